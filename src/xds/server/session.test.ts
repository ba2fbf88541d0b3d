import assert from 'node:assert/strict';
import test from 'node:test';
import { isWeftError } from '../../core/errors.ts';
import { DeltaDiscoveryResponseTable } from '../tables/tables.gen.ts';
import { decode } from '../wire/decode.ts';
import { Quarantine } from './quarantine.ts';
import { ResponseCache } from './response-cache.ts';
import { CDS, EDS, LDS, RDS, fixture, names, nextOf, request, resource, view } from './session.fixture.ts';

test('a response is encoded with type, nonce, names, versions and bytes', () => {
  const { session } = fixture();
  const one = resource(RDS, 'outbound', 'body');
  session.offer(view(one));
  session.onRequest(request(RDS, { subscribe: ['outbound', 'nobody'] }));
  const response = nextOf(session);
  const decoded = decode(DeltaDiscoveryResponseTable, response.bytes);
  assert.equal(decoded.typeUrl, RDS);
  assert.equal(decoded.nonce, response.nonce);
  assert.deepEqual(decoded.removedResources, ['nobody']);
  assert.equal(decoded.resources[0]?.name, 'outbound');
  assert.equal(decoded.resources[0]?.version, one.version);
  assert.deepEqual(decoded.resources[0]?.resource, { typeUrl: RDS, value: one.bytes });
});

test('nothing is answered before the first view, so an unknown name is not called removed too soon', () => {
  const { session } = fixture();
  session.onRequest(request(RDS, { subscribe: ['outbound'] }));
  assert.equal(session.next(), null);
  session.offer(view(resource(RDS, 'outbound')));
  assert.deepEqual(names(nextOf(session)), ['outbound']);
});

test('legacy wildcard: a first request without names asks for all clusters and listeners, of other types for none', () => {
  const { session, take } = fixture();
  session.offer(view(resource(CDS, 'c'), resource(LDS, 'l'), resource(RDS, 'r')));
  for (const type of [CDS, LDS, RDS]) session.onRequest(request(type));
  assert.deepEqual(names(take()), ['c']);
  assert.deepEqual(names(take()), ['l']);
  assert.equal(session.next(), null);
});

test('legacy wildcard lives on when a name is added, and ends with an unsubscription of *', () => {
  const { session, take } = fixture();
  session.offer(view(resource(CDS, 'a')));
  session.onRequest(request(CDS));
  take();
  session.onRequest(request(CDS, { subscribe: ['a'] }));
  take();
  session.offer(view(resource(CDS, 'a'), resource(CDS, 'b')));
  assert.deepEqual(names(take()), ['b']);
  session.onRequest(request(CDS, { unsubscribe: ['*'] }));
  session.offer(view(resource(CDS, 'a', 'new'), resource(CDS, 'b', 'new'), resource(CDS, 'c')));
  assert.deepEqual(names(take()), ['a']);
  assert.equal(session.next(), null);
});

test('no wildcard after a name: a first request with names, then unsubscribing all, leaves nothing', () => {
  const { session, take } = fixture();
  session.offer(view(resource(CDS, 'a'), resource(CDS, 'b')));
  session.onRequest(request(CDS, { subscribe: ['a'] }));
  assert.deepEqual(names(take()), ['a']);
  session.onRequest(request(CDS, { unsubscribe: ['a'] }));
  session.onRequest(request(CDS));
  session.offer(view(resource(CDS, 'a', 'new'), resource(CDS, 'b', 'new')));
  assert.equal(session.next(), null);
});

test('* asks for everything of any type', () => {
  const { session, take } = fixture();
  session.offer(view(resource(RDS, 'a'), resource(RDS, 'b')));
  session.onRequest(request(RDS, { subscribe: ['*'] }));
  assert.deepEqual(names(take()), ['a', 'b']);
});

test('a wildcard without resources is answered once, empty, so that the client can start', () => {
  const { session, take } = fixture();
  session.offer(view());
  session.onRequest(request(CDS));
  const response = take();
  assert.deepEqual([names(response), response.removed], [[], []]);
  assert.equal(session.next(), null);
});

test('always resend what is in resource_names_subscribe, also in a known version', () => {
  const { session, take } = fixture();
  session.offer(view(resource(EDS, 'a')));
  session.onRequest(request(EDS, { subscribe: ['a'] }));
  take();
  session.onRequest(request(EDS, { subscribe: ['a'] }));
  assert.deepEqual(names(take()), ['a']);
  assert.equal(session.next(), null);
});

test('* said again asks for everything again; said after a legacy wildcard it does not', () => {
  const { session, take } = fixture();
  session.offer(view(resource(CDS, 'a'), resource(CDS, 'b')));
  session.onRequest(request(CDS));
  take();
  session.onRequest(request(CDS, { subscribe: ['*'] }));
  assert.equal(session.next(), null);
  session.onRequest(request(CDS, { subscribe: ['*'] }));
  assert.deepEqual(names(take()), ['a', 'b']);
  assert.equal(session.next(), null);
});

test('an unknown name is answered with removed_resources and pushed when it appears', () => {
  const { session, take } = fixture();
  session.offer(view());
  session.onRequest(request(RDS, { subscribe: ['late'] }));
  assert.deepEqual(take().removed, ['late']);
  assert.equal(session.next(), null);
  session.offer(view(resource(RDS, 'late')));
  assert.deepEqual(names(take()), ['late']);
});

test('unsubscribing a name under a wildcard is answered: with the resource, or with its removal', () => {
  const { session, take } = fixture();
  session.offer(view(resource(CDS, 'a')));
  session.onRequest(request(CDS, { subscribe: ['*', 'a', 'ghost'] }));
  take();
  session.onRequest(request(CDS, { unsubscribe: ['a', 'ghost'] }));
  const response = take();
  assert.deepEqual([names(response), response.removed], [['a'], ['ghost']]);
});

test('unsubscribing without a wildcard ends updates and is not answered', () => {
  const { session, take } = fixture();
  session.offer(view(resource(EDS, 'a')));
  session.onRequest(request(EDS, { subscribe: ['a'] }));
  take();
  session.onRequest(request(EDS, { unsubscribe: ['a'] }));
  session.offer(view(resource(EDS, 'a', 'new')));
  assert.equal(session.next(), null);
  session.offer(view());
  assert.equal(session.next(), null);
});

test('go-control-plane#1498: a name unsubscribed while its response is under way is neither acknowledged nor sent', () => {
  const { session } = fixture();
  session.offer(view(resource(EDS, 'a')));
  session.onRequest(request(EDS, { subscribe: ['a'] }));
  const response = nextOf(session);
  session.onRequest(request(EDS, { unsubscribe: ['a'] }));
  session.offer(view(resource(EDS, 'a', 'new')));
  session.onRequest(request(EDS, { nonce: response.nonce }));
  assert.equal(session.next(), null);
  assert.equal(session.status()[0]?.acked.size, 0);
});

test('initial_resource_versions is state: only what differs is sent, what is gone is removed', () => {
  const { session, take } = fixture();
  const same = resource(RDS, 'same');
  session.offer(view(same, resource(RDS, 'changed', 'new')));
  const initial = { same: same.version, changed: 'old', gone: 'old' };
  session.onRequest(request(RDS, { subscribe: ['same', 'changed', 'gone'], initial }));
  assert.deepEqual(names(take()), ['changed']);
  assert.deepEqual(take().removed, ['gone']);
  assert.equal(session.next(), null);
});

test('initial_resource_versions is not a subscription', () => {
  const { session } = fixture();
  session.offer(view(resource(EDS, 'a', 'new')));
  session.onRequest(request(EDS, { initial: { a: 'old', b: 'old' } }));
  assert.equal(session.next(), null);
});

test('initial_resource_versions under a wildcard: a reconnect with the same content transfers no resource', () => {
  const { session, take } = fixture();
  const [a, b] = [resource(CDS, 'a'), resource(CDS, 'b')];
  session.offer(view(a, b));
  session.onRequest(request(CDS, { initial: { a: a.version, b: b.version, gone: 'x' } }));
  const first = take();
  assert.deepEqual([names(first), first.removed], [[], []]);
  assert.deepEqual(take().removed, ['gone']);
});

test('a partial change of the view removes nothing of other types (istio#34949, #36273)', () => {
  const { session, take } = fixture();
  const routes = [resource(RDS, 'a'), resource(RDS, 'b')];
  session.offer(view(...routes, resource(CDS, 'c')));
  session.onRequest(request(CDS));
  session.onRequest(request(RDS, { subscribe: ['a', 'b'] }));
  take();
  take();
  session.offer(view(...routes, resource(CDS, 'c', 'new')));
  const response = take();
  assert.deepEqual([response.type, names(response), response.removed], [CDS, ['c'], []]);
  assert.equal(session.next(), null);
});

test('one outstanding response per type: changes merge while the client is busy', () => {
  const { session, ack } = fixture();
  session.offer(view(resource(EDS, 'a', '1')));
  session.onRequest(request(EDS, { subscribe: ['a', 'b'] }));
  const first = nextOf(session);
  session.offer(view(resource(EDS, 'a', '2')));
  session.offer(view(resource(EDS, 'a', '3'), resource(EDS, 'b', '1')));
  assert.equal(session.next(), null);
  ack(first);
  const second = nextOf(session);
  assert.deepEqual(names(second), ['a', 'b']);
  assert.equal(second.resources[0]?.version, resource(EDS, 'a', '3').version);
  ack(second);
  assert.equal(session.next(), null);
});

test('a stale nonce changes names but acknowledges nothing', () => {
  const { session } = fixture();
  session.offer(view(resource(EDS, 'a'), resource(EDS, 'b')));
  session.onRequest(request(EDS, { subscribe: ['a'] }));
  const first = nextOf(session);
  session.onRequest(request(EDS, { subscribe: ['b'], nonce: 'stale', error: 'refused' }));
  assert.equal(session.next(), null);
  assert.equal(session.status()[0]?.acked.size, 0);
  session.onRequest(request(EDS, { nonce: first.nonce }));
  assert.deepEqual(names(nextOf(session)), ['b']);
});

test('nonces are unique on a stream though responses are shared', () => {
  const responses = new ResponseCache();
  const { session, take } = fixture(new Quarantine(), responses);
  session.onRequest(request(EDS, { subscribe: ['a'] }));
  const nonces = ['1', '2', '1', '2', '1'].map((content) => {
    session.offer(view(resource(EDS, 'a', content)));
    return take().nonce;
  });
  assert.equal(new Set(nonces).size, 5);
});

test('the same difference is framed once for all streams', () => {
  const responses = new ResponseCache();
  const fixtures = Array.from({ length: 50 }, () => fixture(new Quarantine(), responses));
  const offered = view(resource(EDS, 'a'), resource(EDS, 'b'));
  const frames = fixtures.map(({ session }) => {
    session.offer(offered);
    session.onRequest(request(EDS, { subscribe: ['b', 'a'] }));
    return nextOf(session).bytes;
  });
  assert.equal(new Set(frames).size, 1);
  assert.equal(responses.framings, 1);
});

test('a type that is not served is answered with removals, and does not stop the others', () => {
  const { session, take } = fixture();
  session.offer(view(resource(CDS, 'a')));
  session.onRequest(request('type.googleapis.com/envoy.service.runtime.v3.Runtime', { subscribe: ['rtds'] }));
  session.onRequest(request(CDS));
  assert.deepEqual(names(take()), ['a']);
  assert.deepEqual(take().removed, ['rtds']);
});

test('a stream is bounded: names, their length and types', () => {
  const many = Array.from({ length: 20_001 }, (_, index) => `n${index}`);
  const long = 'x'.repeat(1025);
  for (const ask of [{ subscribe: many }, { subscribe: [long] }, { initial: { [long]: '1' } }]) {
    const { session } = fixture();
    assert.throws(
      () => session.onRequest(request(EDS, ask)),
      (error) => isWeftError(error, 'limit-exceeded'),
    );
  }
  const { session } = fixture();
  for (let type = 0; type < 16; type++) session.onRequest(request(`t${type}`));
  assert.throws(
    () => session.onRequest(request('t16')),
    (error) => isWeftError(error, 'limit-exceeded'),
  );
});

test('settled: acknowledged in exactly the offered version, or not asked for', () => {
  const { session, ack } = fixture();
  session.offer(view(resource(EDS, 'a', 'one')));
  assert.ok(session.isSettled(EDS, 'a'));
  session.onRequest(request(EDS, { subscribe: ['a'] }));
  assert.ok(!session.isSettled(EDS, 'a'));
  ack(nextOf(session));
  assert.ok(session.isSettled(EDS, 'a'));
  session.offer(view(resource(EDS, 'a', 'two')));
  assert.ok(!session.isSettled(EDS, 'a'));
  const second = nextOf(session);
  assert.ok(!session.isSettled(EDS, 'a'));
  session.onRequest(request(EDS, { nonce: second.nonce, error: 'a: no' }));
  assert.ok(!session.isSettled(EDS, 'a'), 'a proxy that refused the new version still uses the old one');
  session.offer(view());
  const removal = nextOf(session);
  assert.ok(!session.isSettled(EDS, 'a'));
  ack(removal);
  assert.ok(session.isSettled(EDS, 'a'));
});
