import assert from 'node:assert/strict';
import test from 'node:test';
import { Quarantine } from './quarantine.ts';
import { ResponseCache } from './response-cache.ts';
import { CDS, EDS, LDS, RDS, SDS, fixture, names, nextOf, request, resource, view } from './session.fixture.ts';

test('order: clusters, endpoints, listeners, routes, secrets, in whatever order they were asked for', () => {
  const { session, take } = fixture();
  session.offer(view(...[CDS, EDS, LDS, RDS, SDS].map((type) => resource(type, 'x'))));
  for (const type of [SDS, RDS, LDS, EDS, CDS]) session.onRequest(request(type, { subscribe: ['x'] }));
  assert.deepEqual(
    [1, 2, 3, 4, 5].map(() => take().type),
    [CDS, EDS, LDS, RDS, SDS],
  );
});

test('order: a route waits while the cluster it may name is held up behind an unacknowledged response', () => {
  const { session, take, ack } = fixture();
  session.offer(view(resource(CDS, 'a'), resource(RDS, 'r', 'to a')));
  session.onRequest(request(CDS));
  session.onRequest(request(RDS, { subscribe: ['r'] }));
  const clusters = nextOf(session);
  take();
  session.offer(view(resource(CDS, 'a'), resource(CDS, 'b'), resource(RDS, 'r', 'to b')));
  assert.equal(session.next(), null);
  ack(clusters);
  assert.deepEqual(names(take()), ['b']);
  assert.deepEqual(names(take()), ['r']);
});

test('go-control-plane#503: a client that asks out of order is answered even while an earlier type is held up', () => {
  const { session } = fixture();
  session.offer(view(resource(CDS, 'a')));
  session.onRequest(request(CDS));
  nextOf(session);
  session.offer(view(resource(CDS, 'a', 'new'), resource(EDS, 'eds-a')));
  session.onRequest(request(EDS, { subscribe: ['eds-a'] }));
  assert.deepEqual(names(nextOf(session)), ['eds-a']);
});

test('make before break: a cluster is removed only after the routes that used it were acknowledged', () => {
  const { session, take, ack } = fixture();
  session.offer(view(resource(CDS, 'a'), resource(RDS, 'r', 'to a')));
  session.onRequest(request(CDS));
  session.onRequest(request(RDS, { subscribe: ['r'] }));
  take();
  take();
  session.offer(view(resource(CDS, 'b'), resource(RDS, 'r', 'to b')));
  assert.deepEqual(names(take()), ['b']);
  const routes = nextOf(session);
  assert.deepEqual(names(routes), ['r']);
  assert.equal(session.next(), null);
  ack(routes);
  const removal = take();
  assert.deepEqual([removal.type, removal.removed], [CDS, ['a']]);
});

test('make before break: while a proxy refuses its new routes, the clusters of the old ones stay', () => {
  const { session, take } = fixture();
  session.offer(view(resource(CDS, 'a'), resource(RDS, 'r', 'to a')));
  session.onRequest(request(CDS));
  session.onRequest(request(RDS, { subscribe: ['r'] }));
  take();
  take();
  session.offer(view(resource(CDS, 'b'), resource(RDS, 'r', 'to b')));
  take();
  session.onRequest(request(RDS, { nonce: nextOf(session).nonce, error: 'r: no' }));
  assert.equal(session.next(), null);
  session.offer(view(resource(CDS, 'b'), resource(RDS, 'r', 'to b, better')));
  take();
  assert.deepEqual(take().removed, ['a']);
});

test('removals come last and in reverse: listeners, then routes and clusters, then assignments', () => {
  const { session, take } = fixture();
  session.offer(view(...[CDS, EDS, LDS, RDS].map((type) => resource(type, 'x'))));
  for (const type of [CDS, LDS, EDS, RDS]) session.onRequest(request(type, { subscribe: ['x'] }));
  for (let count = 0; count < 4; count++) take();
  session.offer(view());
  const removed = [1, 2, 3, 4].map(() => take());
  assert.deepEqual(
    removed.map((response) => response.type),
    [LDS, RDS, CDS, EDS],
  );
  assert.ok(removed.every((response) => response.removed.length === 1));
});

test('warming (envoy#13009): a changed cluster brings its unchanged assignment again', () => {
  const { session, take } = fixture();
  const assignment = resource(EDS, 'eds-a');
  session.offer(view(resource(CDS, 'a'), assignment));
  session.onRequest(request(CDS));
  session.onRequest(request(EDS, { subscribe: ['eds-a'] }));
  take();
  take();
  session.offer(view(resource(CDS, 'a', 'new'), assignment));
  assert.deepEqual(names(take()), ['a']);
  assert.deepEqual(names(take()), ['eds-a']);
  assert.equal(session.next(), null);
});

test('a large change is split into responses below the bound, and later types wait for its end', () => {
  const { session, take } = fixture(new Quarantine(), new ResponseCache(), 250);
  const endpoints = ['a', 'b', 'c', 'd', 'e'].map((name) => resource(EDS, name, 'x'.repeat(100)));
  session.offer(view(...endpoints, resource(RDS, 'r')));
  session.onRequest(request(EDS, { subscribe: ['*'] }));
  session.onRequest(request(RDS, { subscribe: ['*'] }));
  assert.deepEqual(
    [1, 2, 3, 4].map(() => names(take())),
    [['a', 'b'], ['c', 'd'], ['e'], ['r']],
  );
});
