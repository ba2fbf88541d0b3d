import assert from 'node:assert/strict';
import test from 'node:test';
import { Quarantine } from './quarantine.ts';
import { CDS, RDS, fixture, names, nextOf, request, resource, view } from './session.fixture.ts';

test('names come first, then the NACK: a NACK may change subscriptions too', () => {
  const { session, nacks, take } = fixture();
  session.offer(view(resource(RDS, 'bad'), resource(RDS, 'other')));
  session.onRequest(request(RDS, { subscribe: ['bad'] }));
  const first = nextOf(session);
  session.onRequest(request(RDS, { nonce: first.nonce, error: 'bad: no', unsubscribe: ['bad'], subscribe: ['other'] }));
  assert.deepEqual(nacks, []);
  assert.deepEqual(names(take()), ['other']);
  assert.equal(session.status()[0]?.refused.size, 0);
});

test('a NACK is an error_detail, even an empty one, and nothing else', () => {
  const { session, nacks } = fixture();
  session.offer(view(resource(RDS, 'a')));
  session.onRequest(request(RDS, { subscribe: ['a'] }));
  session.onRequest(request(RDS, { nonce: nextOf(session).nonce, error: '' }));
  assert.equal(nacks.length, 1);
});

test('a NACK by name refuses that resource and acknowledges the rest', () => {
  const { session, nacks } = fixture();
  const origin = { kind: 'HTTPRoute', namespace: 'shop', name: 'x', path: 'spec.rules[0]', file: 'shop.yaml:7' };
  const bad = { ...resource(RDS, 'bad'), origins: [origin] };
  session.offer(view(bad, resource(RDS, 'bad|2'), resource(RDS, 'good')));
  session.onRequest(request(RDS, { subscribe: ['bad', 'bad|2', 'good'] }));
  session.onRequest(request(RDS, { nonce: nextOf(session).nonce, error: 'bad: unknown filter\n' }));
  assert.deepEqual(nacks, [
    { type: RDS, name: 'bad', version: bad.version, reason: 'unknown filter', atMs: 1000, origins: [origin] },
  ]);
  const status = session.status()[0];
  assert.deepEqual([...(status?.acked.keys() ?? [])], ['bad|2', 'good']);
  assert.deepEqual(status?.nacks, nacks);
});

test('a NACK that names nothing refuses all of the response', () => {
  const { session, nacks } = fixture();
  session.offer(view(resource(RDS, 'a'), resource(RDS, 'b')));
  session.onRequest(request(RDS, { subscribe: ['a', 'b'] }));
  session.onRequest(request(RDS, { nonce: nextOf(session).nonce, error: 'out of memory' }));
  assert.deepEqual(
    nacks.map((nack) => nack.name),
    ['a', 'b'],
  );
});

test('go-control-plane#1319: a refused resource is not sent again until its content changes', () => {
  const { session, take } = fixture();
  session.offer(view(resource(RDS, 'a', 'bad')));
  session.onRequest(request(RDS, { subscribe: ['a'] }));
  session.onRequest(request(RDS, { nonce: nextOf(session).nonce, error: 'a: no' }));
  assert.equal(session.next(), null);
  session.offer(view(resource(RDS, 'a', 'bad'), resource(CDS, 'c')));
  assert.equal(session.next(), null);
  session.offer(view(resource(RDS, 'a', 'good')));
  assert.deepEqual(names(take()), ['a']);
  assert.equal(session.status()[0]?.refused.size, 0);
});

test('the quarantine outlives the stream, while the proxy has an older version to go on with', () => {
  const quarantine = new Quarantine();
  const first = fixture(quarantine);
  first.session.offer(view(resource(RDS, 'a', 'bad')));
  first.session.onRequest(request(RDS, { subscribe: ['a'], initial: { a: 'good' } }));
  first.session.onRequest(request(RDS, { nonce: nextOf(first.session).nonce, error: 'a: no' }));

  const again = fixture(quarantine).session;
  again.offer(view(resource(RDS, 'a', 'bad')));
  again.onRequest(request(RDS, { subscribe: ['a'], initial: { a: 'good' } }));
  assert.equal(again.next(), null);
  assert.deepEqual([...(again.status()[0]?.refused.keys() ?? [])], ['a']);
  assert.equal(again.status()[0]?.nacks[0]?.reason, 'no', 'the reason outlives it too');
  again.offer(view(resource(RDS, 'a', 'better')));
  assert.deepEqual(names(nextOf(again)), ['a']);

  const empty = fixture(quarantine).session;
  empty.offer(view(resource(RDS, 'a', 'bad')));
  empty.onRequest(request(RDS, { subscribe: ['a'] }));
  assert.deepEqual(names(nextOf(empty)), ['a'], 'a restarted proxy without any version gets what there is');
});

test('the quarantine is bounded in proxies: whose last refusal is oldest is forgotten first', () => {
  const quarantine = new Quarantine(2);
  const nack = { type: RDS, name: 'a', version: 'bad', reason: 'no', atMs: 0, origins: [] };
  for (const node of ['shop/1', 'shop/2', 'shop/1', 'shop/3']) quarantine.add(node, nack);
  const held = ['shop/1', 'shop/2', 'shop/3'].map((node) => quarantine.holds(node, RDS, 'a', 'bad'));
  assert.deepEqual(held, [true, false, true]);
  assert.equal(quarantine.size, 2);
});

test('a long text of refusal costs no more than reading it', { timeout: 20_000 }, () => {
  const { session, nacks } = fixture();
  const all = Array.from({ length: 19_000 }, (_, i) => `n${i}`);
  for (const error of ['x\n'.repeat(500_000), 'n1 n2 '.repeat(200_000), 'a: '.repeat(300_000)]) {
    session.offer(view(...all.map((name) => resource(RDS, name, error.slice(0, 1)))));
    session.onRequest(request(RDS, { subscribe: all }));
    for (let next = session.next(); next !== null; next = session.next()) {
      session.onRequest(request(RDS, { nonce: next.nonce, error }));
    }
  }
  assert.ok(nacks.length > 0 && nacks.every(({ reason }) => reason.length <= 2_000));
});

test('Envoy’s reason stands on a line of its own beside the resource that it prints: all of the text is kept for the one it names', () => {
  const { session, nacks } = fixture();
  session.offer(view(resource(RDS, 'a'), resource(RDS, 'b')));
  session.onRequest(request(RDS, { subscribe: ['a', 'b'] }));
  const error = 'Proto constraint validation failed: timeout must be greater than 0s:\nname: "a"\ntimeout {\n}\n';
  session.onRequest(request(RDS, { nonce: nextOf(session).nonce, error }));
  assert.deepEqual(
    nacks.map(({ name, reason }) => [name, reason]),
    [['a', error.trim()]],
  );
});
