import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  asCluster,
  asEndpoints,
  asListener,
  asRoutes,
  assignment,
  cluster,
  listener,
  routes,
} from '../../snapshot/sample-resources.ts';
import type { ReceivedResource } from '../../xds/client/received.ts';
import type { ResourceSource } from '../../xds/client/resource-source.ts';
import { TYPE_URLS } from '../../xds/resource.ts';
import { ApiConfigSource_ApiType as ApiType, ApiVersion, type ConfigSource } from '../../xds/tables/messages.gen.ts';
import {
  ApiConfigSourceTable,
  ConfigSourceTable,
  DiscoveryRequestTable,
  DiscoveryResponseTable,
  GrpcService_EnvoyGrpcTable,
  GrpcServiceTable,
} from '../../xds/tables/tables.gen.ts';
import { decode } from '../../xds/wire/decode.ts';
import { encode } from '../../xds/wire/encode.ts';
import { create } from '../../xds/wire/table.ts';
import { type FakeMesh, fakeMesh } from './fake-mesh.ts';
import type { XdsChannel, XdsSources } from './xds-sources.ts';

const CHANNEL: XdsChannel = {
  name: 'xds_cluster',
  target: () => ({ address: { host: '127.0.0.1', port: 18_000 }, tls: null }),
  subscribe: () => () => {},
};

function from(protocol: 'delta' | 'sotw'): ResourceSource {
  return { kind: 'service', protocol, cluster: 'xds_cluster', refreshMs: 0 };
}

function sourcesOf(protocol: 'delta' | 'sotw'): XdsSources {
  const source = from(protocol);
  return {
    listeners: source,
    clusters: source,
    ads: null,
    channel: (name) => (name === 'xds_cluster' ? CHANNEL : null),
  };
}

function configSource(apiType: number, clusterName = 'xds_cluster'): ConfigSource {
  const envoyGrpc = create(GrpcService_EnvoyGrpcTable, { clusterName });
  const service = create(GrpcServiceTable, { targetSpecifier: { case: 'envoyGrpc', value: envoyGrpc } });
  const api = create(ApiConfigSourceTable, { apiType, transportApiVersion: ApiVersion.V3, grpcServices: [service] });
  return create(ConfigSourceTable, { configSourceSpecifier: { case: 'apiConfigSource', value: api } });
}

/** The resources of the samples, referring to each other through services of their own. */
function resourcesOf(source: ConfigSource) {
  return {
    CLUSTER: asCluster(cluster({ edsClusterConfig: { edsConfig: source, serviceName: '80|a.shop' } })),
    ENDPOINTS: asEndpoints(assignment(['127.0.0.1'])),
    ROUTES: asRoutes(routes()),
    LISTENER: asListener(listener([], {}, source)),
  };
}

function streamOf(made: FakeMesh, path: RegExp) {
  const found = made.streams.find((each) => path.test(each.path) && !each.ended);
  assert.ok(found, `no open stream to ${path}`);
  return found;
}

function answer(made: FakeMesh, path: RegExp, resource: ReceivedResource, versionInfo: string): void {
  const { type: typeUrl, bytes } = resource;
  const response = create(DiscoveryResponseTable, {
    typeUrl,
    versionInfo,
    nonce: `n-${versionInfo}`,
    resources: [{ typeUrl, value: bytes }],
  });
  streamOf(made, path).handler.onMessage(encode(DiscoveryResponseTable, response));
}

test('each type has a stream of its own, opened when something of it is wanted, and all of them make one configuration', async () => {
  const made = fakeMesh({ sources: sourcesOf('sotw') });
  const { CLUSTER, ENDPOINTS, ROUTES, LISTENER } = resourcesOf(configSource(ApiType.GRPC));
  made.client.start();
  assert.deepEqual(
    made.streams.map(({ path }) => path),
    [
      '/envoy.service.cluster.v3.ClusterDiscoveryService/StreamClusters',
      '/envoy.service.listener.v3.ListenerDiscoveryService/StreamListeners',
    ],
  );
  answer(made, /StreamListeners/, LISTENER, 'l1');
  answer(made, /StreamRoutes/, ROUTES, 'r1');
  answer(made, /StreamClusters/, CLUSTER, 'c1');
  answer(made, /StreamEndpoints/, ENDPOINTS, 'e1');
  await made.client.ready;
  assert.equal(made.snapshots.at(-1)?.clusters.size, 1);
  assert.equal(made.client.connected, true);
  const asked = streamOf(made, /StreamEndpoints/).sent.map((bytes) => decode(DiscoveryRequestTable, bytes));
  assert.deepEqual(
    asked.map((request) => [request.node?.id, request.resourceNames, request.versionInfo]),
    [
      ['shop/web-1', ['80|a.shop'], ''],
      [undefined, ['80|a.shop'], 'e1'],
    ],
  );
});

test('a resource that refers to a server which the bootstrap does not name is refused with the field', () => {
  const made = fakeMesh({ sources: sourcesOf('sotw') });
  const { CLUSTER } = resourcesOf(configSource(ApiType.GRPC, 'elsewhere'));
  made.client.start();
  answer(made, /StreamClusters/, CLUSTER, 'c1');
  const nack = decode(DiscoveryRequestTable, streamOf(made, /StreamClusters/).sent.at(-1) ?? new Uint8Array(0));
  assert.match(nack.errorDetail?.message ?? '', /does not ask elsewhere by sotw \(eds_cluster_config.eds_config\)/);
});

test('in a mesh a resource is refused that sends the proxy to another server', () => {
  const made = fakeMesh();
  const { CLUSTER } = resourcesOf(configSource(ApiType.DELTA_GRPC));
  made.client.start();
  made.respond(CLUSTER.type, [CLUSTER]);
  assert.match(made.stream().requests.at(-1)?.errorDetail?.message ?? '', /does not ask xds_cluster/);
});

test('what a new version of the whole state leaves as it was stays the same object', () => {
  const made = fakeMesh({ sources: sourcesOf('sotw') });
  const { CLUSTER, ENDPOINTS } = resourcesOf(configSource(ApiType.GRPC));
  made.client.start();
  answer(made, /StreamClusters/, CLUSTER, 'c1');
  answer(made, /StreamEndpoints/, ENDPOINTS, 'e1');
  const before = made.client.snapshot.clusters.get(CLUSTER.name);
  answer(made, /StreamClusters/, CLUSTER, 'c2');
  assert.equal(made.client.snapshot.clusters.get(CLUSTER.name), before);
  assert.ok(before);
});

test('an aggregated stream without an order: routes wait for the cluster that they name', () => {
  const ads: ResourceSource = { kind: 'ads' };
  const opened = (isOrdered: boolean): FakeMesh => {
    const aggregated = { protocol: 'delta' as const, channel: CHANNEL, isOrdered };
    const made = fakeMesh({ sources: { listeners: ads, clusters: ads, ads: aggregated, channel: () => null } });
    made.client.start();
    made.respond(TYPE_URLS.listener, [asListener(listener())]);
    made.respond(TYPE_URLS.routes, [asRoutes(routes())]);
    return made;
  };
  assert.equal(opened(true).client.snapshot.listeners.size, 1);
  const made = opened(false);
  assert.equal(made.client.snapshot.listeners.size, 0);
  made.respond(TYPE_URLS.cluster, [asCluster(cluster())]);
  made.respond(TYPE_URLS.endpoints, [asEndpoints(assignment(['127.0.0.1']))]);
  assert.equal(made.client.snapshot.listeners.size, 1);
});
