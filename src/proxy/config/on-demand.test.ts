/** What a proxy asks for because somebody calls it: from the first request to the day when nobody has called for long. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Head } from '../../http/head.ts';
import { matchRoute } from '../../snapshot/match-route.ts';
import {
  ADS,
  asCluster,
  asEndpoints,
  asListener,
  asRoutes,
  assignment,
  asVirtualHost,
  cluster,
  listener,
  routes,
  virtualHost,
} from '../../snapshot/sample-resources.ts';
import type { ReceivedResource } from '../../xds/client/received.ts';
import { ADS as SOURCE } from '../../xds/client/resource-source.ts';
import { TYPE_URLS } from '../../xds/resource.ts';
import { OnDemandTable, RouteConfigurationTable } from '../../xds/tables/tables.gen.ts';
import { encode } from '../../xds/wire/encode.ts';
import { create } from '../../xds/wire/table.ts';
import { httpFilter } from '../../snapshot/sample-resources.ts';
import { DEMAND } from '../router/on-demand.ts';
import { type FakeMesh, fakeMesh } from './fake-mesh.ts';

const { cluster: CDS, endpoints: EDS, listener: LDS, routes: RDS, virtualHosts: VHDS } = TYPE_URLS;

const FILTER = httpFilter('type.googleapis.com/envoy.extensions.filters.http.on_demand.v3.OnDemand', [
  ...encode(OnDemandTable, { odcds: { source: ADS, resourcesLocator: '', timeout: 5_000 } }),
]);
const LISTENER = asListener(listener([FILTER]));
const TABLE = asRoutes(create(RouteConfigurationTable, { name: 'outbound', vhds: { configSource: ADS } }));
const CLUSTER = asCluster(cluster());
const ENDPOINTS = asEndpoints(assignment(['127.0.0.1']));
const HOST = asVirtualHost(virtualHost('a', 'http|80|a.shop'));
const TARGET = { address: { host: '127.0.0.1', port: 18_000 }, tls: null };
const CHANNEL = { name: 'x', target: () => TARGET, subscribe: () => () => {} };
const HOUR_MS = 3_600_000;

function started(used = new Set<string>(), files?: Map<string, Uint8Array>): FakeMesh {
  const made = fakeMesh(files === undefined ? { onDemand: used } : { onDemand: used, files });
  made.client.start();
  return made;
}

function configured(used?: Set<string>): FakeMesh {
  const made = started(used);
  made.respond(CDS, []);
  made.respond(LDS, [LISTENER]);
  made.respond(RDS, [TABLE]);
  return made;
}

/** Counts how often its end was told. */
function waiter(): { settled: number; demandSettled: () => void } {
  const made = {
    settled: 0,
    demandSettled: () => {
      made.settled++;
    },
  };
  return made;
}

const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function subscribed(made: FakeMesh, type: string): readonly string[] {
  const names = new Set<string>();
  for (const { typeUrl, resourceNamesSubscribe, resourceNamesUnsubscribe } of made.stream().requests) {
    if (typeUrl !== type) continue;
    for (const name of resourceNamesUnsubscribe) names.delete(name);
    for (const name of resourceNamesSubscribe) names.add(name);
  }
  return [...names].toSorted();
}

function routeTo(made: FakeMesh, authority: string): string | null {
  const table = made.client.snapshot.routes.get('outbound');
  const head = Head.request('GET', '/', authority);
  const entry = table === undefined ? null : matchRoute(table, head, 0);
  head.free();
  return entry?.action.kind === 'forward' ? (entry.action.clusters[0]?.name ?? '') : null;
}

function deliver(made: FakeMesh): void {
  made.respond(CDS, [CLUSTER]);
  made.respond(EDS, [ENDPOINTS]);
  made.respond(VHDS, [HOST]);
}

test('it says that it asks, is ready with nothing asked for, and many who wait are one question', async () => {
  const made = configured();
  assert.equal(made.stream().requests[0]?.node?.metadata?.['onDemand'], true);
  await made.client.ready;
  assert.deepEqual(subscribed(made, VHDS), []);
  const waiters = [waiter(), waiter(), waiter()];
  for (const each of waiters) assert.equal(made.demand.ask('host', 'outbound/a', 5_000, each), DEMAND.waits);
  assert.deepEqual(subscribed(made, VHDS), ['outbound/a']);
  assert.equal(made.stream().requests.filter(({ typeUrl }) => typeUrl === VHDS).length, 1);
  deliver(made);
  await soon();
  assert.deepEqual(
    waiters.map(({ settled }) => settled),
    [1, 1, 1],
  );
  assert.equal(routeTo(made, 'A'), 'http|80|a.shop');
  assert.equal(made.demand.waiting.used, 0);
  const { configs } = made.client.configDump({ includeEds: false, resource: 'dynamic_route_configs', nameRegex: null });
  assert.match(JSON.stringify(configs), /"virtual_hosts":\[\{"name":"outbound\/a","domains":\["a"\]/);
});

test('a host serves only once its clusters do', async () => {
  const made = configured();
  const one = waiter();
  made.demand.ask('host', 'outbound/a', 5_000, one);
  made.respond(CDS, [CLUSTER]);
  made.respond(VHDS, [HOST]);
  await soon();
  assert.deepEqual([one.settled, routeTo(made, 'a')], [0, null]);
  made.respond(EDS, [ENDPOINTS]);
  await soon();
  assert.deepEqual([one.settled, routeTo(made, 'a')], [1, 'http|80|a.shop']);
});

test('who is told that there is none does not wait, and it serves when it comes after all', async () => {
  const made = configured();
  const [one, cluster] = [waiter(), waiter()];
  made.demand.ask('host', 'outbound/a', 5_000, one);
  made.demand.ask('cluster', 'http|80|a.shop', 5_000, cluster);
  made.respond(VHDS, [], ['outbound/a']);
  made.respond(CDS, [], ['http|80|a.shop']);
  await soon();
  assert.deepEqual([one.settled, cluster.settled], [1, 1]);
  assert.equal(made.demand.ask('host', 'outbound/a', 5_000, one), DEMAND.gone);
  assert.equal(made.demand.ask('cluster', 'http|80|a.shop', 5_000, cluster), DEMAND.gone);
  deliver(made);
  assert.equal(routeTo(made, 'a'), 'http|80|a.shop');
});

test('nobody waits longer than is said, nor a second time for what did not come', async () => {
  const made = configured();
  const one = waiter();
  made.demand.ask('host', 'outbound/a', 5_000, one);
  made.clock.pass(4_900);
  await soon();
  assert.equal(one.settled, 0);
  made.clock.pass(200);
  await soon();
  assert.equal(one.settled, 1);
  assert.equal(made.demand.ask('host', 'outbound/a', 5_000, one), DEMAND.late);
  assert.match(made.demand.why('host', 'outbound/a') ?? '', /control plane does not answer.*--uses.*NO_PROXY/);
  deliver(made);
  assert.equal(routeTo(made, 'a'), 'http|80|a.shop');
});

test('how many wait and how much is asked for is bounded', () => {
  const made = configured();
  let refused = 0;
  for (let i = 0; i < 2_100; i++)
    if (made.demand.ask('host', 'outbound/a', 5_000, waiter()) === DEMAND.refused) refused++;
  assert.deepEqual([refused, made.demand.waiting.refused], [100, 100]);
  for (let i = 0; i < 4_100; i++) made.demand.remember('host', [`outbound/${i}`]);
  assert.equal(made.demand.names.used, 4_000);
});

test('a new stream is told at once which clusters are in use, beside all others', () => {
  const made = configured();
  made.demand.ask('host', 'outbound/a', 5_000, waiter());
  deliver(made);
  assert.deepEqual(subscribed(made, CDS), ['http|80|a.shop']);
  made.stream().handler.onClose({ code: 14, message: 'gone' });
  made.clock.pass(60_000);
  const [first] = made.stream().requests.filter(({ typeUrl }) => typeUrl === CDS);
  assert.deepEqual(first?.resourceNamesSubscribe, ['*', 'http|80|a.shop']);
  assert.deepEqual(subscribed(made, VHDS), ['outbound/a']);
  assert.equal(routeTo(made, 'a'), 'http|80|a.shop');
});

test('what nobody has used for an hour and more is let go, and what is used stays', async () => {
  const used = new Set(['http|80|a.shop']);
  const made = configured(used);
  made.demand.ask('host', 'outbound/a', 5_000, waiter());
  made.demand.ask('cluster', 'http|80|a.shop', 5_000, waiter());
  deliver(made);
  const use = (): void => {
    const mark = made.client.snapshot.virtualHosts.get('outbound/a')?.routes[0]?.mark;
    assert.ok(mark);
    mark.used = true;
  };
  for (let hours = 0; hours < 5; hours++) {
    use();
    made.clock.pass(HOUR_MS / 2);
  }
  assert.deepEqual([subscribed(made, VHDS), subscribed(made, CDS)], [['outbound/a'], ['http|80|a.shop']]);
  made.clock.pass(2 * HOUR_MS);
  assert.deepEqual([subscribed(made, VHDS), subscribed(made, CDS)], [[], ['http|80|a.shop']]);
  assert.deepEqual([made.client.snapshot.virtualHosts.size, routeTo(made, 'a')], [0, null]);
  used.clear();
  made.clock.pass(2 * HOUR_MS);
  assert.deepEqual(subscribed(made, CDS), []);
  assert.equal(made.demand.names.used, 0);
});

test('a table that comes with all its hosts ends the asking', async () => {
  const made = configured();
  const one = waiter();
  made.demand.ask('host', 'outbound/a', 5_000, one);
  made.respond(CDS, [CLUSTER]);
  made.respond(EDS, [ENDPOINTS]);
  const whole = { ...virtualHost('a', 'http|80|a.shop'), name: 'a' };
  made.respond(RDS, [asRoutes(create(RouteConfigurationTable, { name: 'outbound', virtualHosts: [whole] }))]);
  await soon();
  assert.deepEqual([one.settled, subscribed(made, VHDS), routeTo(made, 'a')], [1, [], 'http|80|a.shop']);
});

test('a proxy that starts without its control plane serves what was used before, and asks for it again', async () => {
  const before = configured();
  before.demand.ask('host', 'outbound/a', 5_000, waiter());
  deliver(before);
  await before.client.close();
  const made = started(new Set(), before.files);
  made.stream().handler.onClose({ code: 14, message: 'away' });
  for (let i = 0; i < 5; i++) await soon();
  assert.equal(routeTo(made, 'a'), 'http|80|a.shop');
  made.clock.pass(60_000);
  assert.deepEqual(subscribed(made, VHDS), ['outbound/a']);
  assert.deepEqual(subscribed(made, CDS), ['*', 'http|80|a.shop']);
});

test('without an order, routes to clusters that come on demand serve at once, and the rest waits', () => {
  const opened = (...listeners: ReceivedResource[]): FakeMesh => {
    const ads = { protocol: 'delta', channel: CHANNEL, isOrdered: false } as const;
    const sources = { listeners: SOURCE, clusters: SOURCE, ads, channel: () => null };
    const made = fakeMesh({ onDemand: new Set(), sources });
    made.client.start();
    made.respond(LDS, listeners);
    made.respond(RDS, [asRoutes(routes())]);
    return made;
  };
  const made = opened(LISTENER);
  assert.equal(routeTo(made, 'a'), CLUSTER.name);
  assert.equal(made.client.snapshot.listeners.size, 1);
  assert.equal(made.demand.ask('cluster', CLUSTER.name, 5_000, waiter()), DEMAND.waits);
  assert.deepEqual(subscribed(made, CDS), [CLUSTER.name]);
  // Who shares the table and cannot ask would meet a cluster that is not there yet.
  const plain = { ...listener(), name: 'plain' };
  assert.equal(routeTo(opened(LISTENER, asListener(plain)), 'a'), null);
});

test('where the state of the world is told nothing is asked for, since a name would mean that name alone', () => {
  const sources = {
    listeners: SOURCE,
    clusters: SOURCE,
    ads: { protocol: 'sotw', channel: CHANNEL, isOrdered: true },
    channel: () => null,
  } as const;
  const { demand } = fakeMesh({ onDemand: new Set(), sources });
  assert.equal(demand.ask('cluster', 'http|80|a.shop', 5_000, waiter()), DEMAND.gone);
});
