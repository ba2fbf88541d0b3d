import assert from 'node:assert/strict';
import test from 'node:test';
import { shortTypeName, TYPE_URLS } from '../../xds/resource.ts';
import { DiscoveryRequestTable, NodeTable } from '../../xds/tables/tables.gen.ts';
import { encode } from '../../xds/wire/encode.ts';
import { create } from '../../xds/wire/table.ts';
import { DELTA_ADS, METHOD_BY_PATH, SOTW_ADS } from './methods.ts';
import { CDS, EDS, fixture, resource } from './publisher.fixture.ts';
import { dialRaw } from './raw-client.fixture.ts';

const SEPARATE = [...METHOD_BY_PATH.values()].filter((method) => method.type !== null);

test('every service answers with its type, which the request need not name, and refuses another', () => {
  assert.deepEqual(
    SEPARATE.map((method) => method.path.slice(method.path.lastIndexOf('/') + 1)).sort(),
    ['Clusters', 'Endpoints', 'Listeners', 'Routes', 'Secrets']
      .flatMap((noun) => [`Delta${noun}`, `Stream${noun}`])
      .concat('DeltaVirtualHosts')
      .sort(),
  );
  for (const { path, type } of SEPARATE) {
    const { publisher, views } = fixture();
    assert.ok(type !== null);
    views.set('shop/web-1', 'configuration', ...Object.values(TYPE_URLS).map((each) => resource(each, 'x', 'x')));
    const { received, ask, ended } = dialRaw(publisher, path);
    ask({ names: ['x'] });
    assert.deepEqual(received, [{ nonce: received[0]?.nonce, typeUrl: type, names: ['x'] }], path);
    ask({ typeUrl: type, nonce: received[0]?.nonce ?? '', names: ['x'] });
    assert.equal(ended(), null);
    ask({ typeUrl: type === CDS ? EDS : CDS });
    assert.equal(ended()?.code, 3, path);
  }
});

test('a proxy may have a stream of each service, and of endpoints one for each cluster: it is listed once with all', () => {
  const { publisher, views } = fixture();
  views.set('shop/web-1', 'configuration', ...['a', 'b'].map((name) => resource(EDS, name, name)));
  const [clusters, a, b] = ['cluster.v3.ClusterDiscoveryService/StreamClusters', ...eds(2)].map((method) =>
    dialRaw(publisher, `/envoy.service.${method}`),
  );
  assert.ok(clusters && a && b);
  clusters.ask({});
  a.ask({ names: ['a'] });
  b.ask({ names: ['b'] });
  a.ask({ names: ['a'], nonce: a.received[0]?.nonce ?? '' });
  b.ask({ names: ['b'], nonce: b.received[0]?.nonce ?? '' });
  const [status, ...others] = publisher.proxies();
  assert.deepEqual(others, []);
  assert.deepEqual(status?.methods, ['StreamClusters', 'StreamEndpoints']);
  assert.deepEqual([...(status?.types.find(({ type }) => type === EDS)?.acked.keys() ?? [])].sort(), ['a', 'b']);
  views.set('shop/web-1', 'endpoints', resource(EDS, 'a', 'a2'), resource(EDS, 'b', 'b2'));
  publisher.flush();
  assert.deepEqual([a.received[1]?.names, b.received[1]?.names], [['a2'], ['b2']]);
  clusters.close();
  a.close();
  assert.deepEqual(views.released, []);
  b.close();
  assert.deepEqual(views.released, ['shop/web-1']);
});

test('the node stands in the first message of a stream; later ones need none, and change nothing by one', () => {
  const { publisher } = fixture();
  const { ask, say, ended, received } = dialRaw(publisher, SOTW_ADS.path);
  ask({ typeUrl: EDS, names: ['catalog'] });
  ask({ typeUrl: CDS });
  const node = create(NodeTable, { id: 'shop/web-2' });
  say(encode(DiscoveryRequestTable, create(DiscoveryRequestTable, { typeUrl: TYPE_URLS.listener, node })));
  assert.equal(received.length, 3);
  assert.equal(ended(), null);
  assert.deepEqual(
    publisher.proxies().map((proxy) => proxy.node.id),
    ['shop/web-1'],
  );
});

test('a newer stream supersedes only one of the same method', () => {
  const { publisher } = fixture();
  const [listeners, clusters, again] = [
    'listener.v3.ListenerDiscoveryService/StreamListeners',
    'cluster.v3.ClusterDiscoveryService/StreamClusters',
    'listener.v3.ListenerDiscoveryService/StreamListeners',
  ].map((method) => dialRaw(publisher, `/envoy.service.${method}`));
  for (const stream of [listeners, clusters, again]) stream?.ask({});
  assert.deepEqual(
    [listeners, clusters, again].map((stream) => stream?.ended()?.code ?? null),
    [10, null, null],
  );
});

test('a gRPC program has a stream for each of its targets (gRFC A71)', () => {
  const { publisher } = fixture();
  const streams = [1, 2, 3].map(() => dialRaw(publisher, SOTW_ADS.path, { node: { metadata: { kind: 'grpc' } } }));
  for (const stream of streams) stream.ask({ typeUrl: EDS, names: ['catalog'] });
  assert.deepEqual(
    streams.map((stream) => [stream.received.length, stream.ended()]),
    [1, 2, 3].map(() => [1, null]),
  );
});

test('the streams of one proxy are bounded', () => {
  const { publisher } = fixture({ maxStreamsPerNode: 2 });
  const streams = eds(3).map((method) => dialRaw(publisher, `/envoy.service.${method}`));
  for (const stream of streams) stream.ask({ names: ['catalog'] });
  assert.deepEqual(
    streams.map((stream) => stream.ended()?.code ?? null),
    [null, null, 8],
  );
  assert.equal(publisher.streamLimit.used, 2);
});

test('what a proxy asks for by name is told to the views before it is answered, over all of its streams', () => {
  const { publisher, views } = fixture();
  const told: [string, string[]][] = [];
  views.resources.set('shop/web-1', new Map());
  views.wanted = (_node, type, names) => {
    if (type !== TYPE_URLS.virtualHosts) return;
    told.push([type, [...names].sort()]);
    views.resources.set(
      'shop/web-1',
      new Map([[type, new Map([...names].map((name) => [name, resource(type, name, name)]))]]),
    );
  };
  const hosts = '/envoy.service.route.v3.VirtualHostDiscoveryService/DeltaVirtualHosts';
  const one = dialRaw(publisher, hosts);
  const two = dialRaw(publisher, hosts);
  one.ask({});
  one.ask({ names: ['r/a'] });
  two.ask({ names: ['r/b'] });
  two.ask({ names: [] });
  const VHDS = TYPE_URLS.virtualHosts;
  assert.deepEqual(told, [
    [VHDS, ['r/a']],
    [VHDS, ['r/a', 'r/b']],
  ]);
  assert.deepEqual(
    one.received.map(({ names }) => names),
    [[]],
    'one response is outstanding',
  );
  one.ask({ nonce: one.received[0]?.nonce ?? '' });
  assert.deepEqual(one.received[1]?.names, ['r/a', 'r/b']);
  assert.deepEqual(two.received[0]?.names, ['r/b']);
});

test('clusters that an Envoy holds are wanted, until it has said which virtual hosts it uses', () => {
  const kinds = ['envoy', 'weft'] as const;
  const { publisher, views } = fixture({ recordedKind: (id) => kinds[id === 'shop/web-1' ? 0 : 1] });
  const told = new Map<string, readonly string[]>();
  views.wanted = ({ kind }, type, names) => void told.set(`${kind} ${shortTypeName(type)}`, [...names].sort());
  kinds.forEach((kind, i) => {
    const stream = dialRaw(publisher, DELTA_ADS.path, { id: `shop/web-${i + 1}` });
    stream.ask({ typeUrl: CDS, names: ['*', 'tcp|80|db.shop'], held: ['http|80|catalog.shop'] });
    const begun = kind === 'envoy' ? ['http|80|catalog.shop', 'tcp|80|db.shop'] : ['tcp|80|db.shop'];
    assert.deepEqual(told.get(`${kind} Cluster`), begun);
    stream.ask({ typeUrl: TYPE_URLS.virtualHosts, names: ['outbound/catalog'] });
    assert.deepEqual(told.get(`${kind} VirtualHost`), ['outbound/catalog']);
    assert.deepEqual(told.get(`${kind} Cluster`), ['tcp|80|db.shop']);
  });
});

function eds(count: number): string[] {
  return Array.from({ length: count }, () => 'endpoint.v3.EndpointDiscoveryService/StreamEndpoints');
}
