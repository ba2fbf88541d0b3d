import assert from 'node:assert/strict';
import test from 'node:test';
import { isWeftError } from '../../core/errors.ts';
import { xdsResource } from '../content-version.ts';
import { TYPE_URLS, type TypeUrl, type XdsResource, type XdsView } from '../resource.ts';
import type { DeltaDiscoveryRequest } from '../tables/messages.gen.ts';
import {
  Cluster_EdsClusterConfigTable,
  ClusterTable,
  DeltaDiscoveryRequestTable,
  DeltaDiscoveryResponseTable,
} from '../tables/tables.gen.ts';
import { decode } from '../wire/decode.ts';
import { encode } from '../wire/encode.ts';
import { create } from '../wire/table.ts';
import { Quarantine } from './quarantine.ts';
import { ResponseCache } from './response-cache.ts';
import { type DeltaResponse, type Nack, Session } from './session.ts';

const { cluster: CDS, endpoints: EDS, listener: LDS, routes: RDS, secret: SDS } = TYPE_URLS;

function resource(type: TypeUrl, name: string, content = 'a'): XdsResource {
  if (type !== CDS) return xdsResource(type, name, new TextEncoder().encode(content), []);
  const edsClusterConfig = create(Cluster_EdsClusterConfigTable, { serviceName: `eds-${name}` });
  const message = create(ClusterTable, {
    name,
    altStatName: content,
    clusterDiscoveryType: { case: 'type', value: 3 },
    edsClusterConfig,
  });
  return xdsResource(type, name, encode(ClusterTable, message), []);
}

function view(...resources: readonly XdsResource[]): XdsView {
  const result = new Map<TypeUrl, Map<string, XdsResource>>();
  for (const one of resources) {
    const ofType = result.get(one.type) ?? new Map<string, XdsResource>();
    ofType.set(one.name, one);
    result.set(one.type, ofType);
  }
  return result;
}

interface Ask {
  readonly subscribe?: readonly string[];
  readonly unsubscribe?: readonly string[];
  readonly initial?: Readonly<Record<string, string>>;
  readonly nonce?: string;
  readonly error?: string;
}

function request(typeUrl: string, ask: Ask = {}): DeltaDiscoveryRequest {
  return create(DeltaDiscoveryRequestTable, {
    typeUrl,
    resourceNamesSubscribe: ask.subscribe ?? [],
    resourceNamesUnsubscribe: ask.unsubscribe ?? [],
    initialResourceVersions: new Map(Object.entries(ask.initial ?? {})),
    responseNonce: ask.nonce ?? '',
    errorDetail: ask.error === undefined ? undefined : { code: 3, message: ask.error, details: [] },
  });
}

interface Fixture {
  readonly session: Session;
  readonly nacks: Nack[];
  /** The next response, which must exist; answered with an ACK. */
  take(): DeltaResponse;
  ack(response: DeltaResponse): void;
}

function fixture(quarantine = new Quarantine(), responses = new ResponseCache(), maxResponseBytes?: number): Fixture {
  const nacks: Nack[] = [];
  const bound = maxResponseBytes === undefined ? {} : { maxResponseBytes };
  const session = new Session({
    nodeId: 'shop/web-1',
    responses,
    quarantine,
    wallMs: () => 1000,
    onNack: (nack) => nacks.push(nack),
    ...bound,
  });
  const ack = (response: DeltaResponse): void => session.onRequest(request(response.type, { nonce: response.nonce }));
  const take = (): DeltaResponse => {
    const response = session.next();
    assert.ok(response !== null, 'a response was expected');
    ack(response);
    return response;
  };
  return { session, nacks, take, ack };
}

const names = (response: DeltaResponse): string[] => response.resources.map((one) => one.name);

function nextOf(session: Session): DeltaResponse {
  const response = session.next();
  assert.ok(response !== null, 'a response was expected');
  return response;
}

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

test('a partial change of the view removes nothing of other types (istio#34949)', () => {
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
  assert.deepEqual(status?.lastNack, nacks[0]);
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
  again.offer(view(resource(RDS, 'a', 'better')));
  assert.deepEqual(names(nextOf(again)), ['a']);

  const empty = fixture(quarantine).session;
  empty.offer(view(resource(RDS, 'a', 'bad')));
  empty.onRequest(request(RDS, { subscribe: ['a'] }));
  assert.deepEqual(names(nextOf(empty)), ['a'], 'a restarted proxy without any version gets what there is');
});

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

test('a type that is not served is answered with removals, and does not stop the others', () => {
  const { session, take } = fixture();
  session.offer(view(resource(CDS, 'a')));
  session.onRequest(request('type.googleapis.com/envoy.service.runtime.v3.Runtime', { subscribe: ['rtds'] }));
  session.onRequest(request(CDS));
  assert.deepEqual(names(take()), ['a']);
  assert.deepEqual(take().removed, ['rtds']);
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
