import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonValue } from '../../xds/wire/json.ts';
import { type ProcessSections, takeProcessSections } from './process-sections.ts';

function take(document: JsonValue): ProcessSections & { readonly problems: string[] } {
  const problems: string[] = [];
  const taken = takeProcessSections(document, (path, what) => problems.push(`${path.join('/')}: ${what}`));
  return { ...taken, problems };
}

test('what is about Envoy as a process changes nothing, in both spellings', () => {
  const { rest, problems } = take({
    stats_config: { use_all_default_tags: true },
    statsFlushInterval: '5s',
    node: { id: 'a' },
    admin: { address: {}, profile_path: '/tmp/p', access_log_path: '/dev/null' },
    cluster_manager: { enable_deferred_cluster_creation: true },
  });
  assert.deepEqual(problems, []);
  assert.deepEqual(rest, { node: { id: 'a' }, admin: { address: {} } });
});

test('a log of the admin endpoint is refused unless it is thrown away', () => {
  const log = (path: string): JsonValue => [{ name: 'file', typed_config: { '@type': 'x/FileAccessLog', path } }];
  assert.deepEqual(take({ admin: { access_log: log('/dev/null') } }).problems, []);
  assert.match(take({ admin: { access_log: log('/var/log/a') } }).problems.join(), /^admin\/access_log: .*not logged/);
  assert.match(take({ admin: { accessLogPath: '/dev/stdout' } }).problems.join(), /^admin\/accessLogPath: /);
});

test('a runtime value stands in for the default of the field that names its key; the last layer wins', () => {
  const { rest, problems } = take({
    layered_runtime: {
      layers: [
        { name: 'first', static_layer: { routing: { canary: 10 }, choices: 1, share: { numerator: 7 }, panic: 3 } },
        { name: 'second', static_layer: { 'routing.canary': 25, 'envoy.reloadable_features.x': true } },
        { name: 'admin', admin_layer: {} },
      ],
    },
    static_resources: [
      { runtime_fraction: { runtime_key: 'routing.canary', default_value: { numerator: 1, denominator: 'MILLION' } } },
      { active_request_bias: { runtimeKey: 'choices', defaultValue: 2 } },
      { filter_enabled: { runtime_key: 'share', default_value: { numerator: 1 } } },
      { threshold: { runtime_key: 'panic', default_value: { value: 50 } } },
      { other: { runtime_key: 'not set', default_value: 5 } },
    ],
  });
  assert.deepEqual(problems, []);
  assert.deepEqual((rest as { readonly static_resources: unknown }).static_resources, [
    { runtime_fraction: { runtime_key: 'routing.canary', default_value: { numerator: 25, denominator: 'HUNDRED' } } },
    { active_request_bias: { runtimeKey: 'choices', defaultValue: 1 } },
    { filter_enabled: { runtime_key: 'share', default_value: { numerator: 7 } } },
    { threshold: { runtime_key: 'panic', default_value: { value: 3 } } },
    { other: { runtime_key: 'not set', default_value: 5 } },
  ]);
});

test('a runtime key that nothing reads, and a layer that comes from elsewhere, are refused', () => {
  const layers = [
    { name: 'a', static_layer: { upstream: { use_http2: 1 } } },
    { name: 'b', disk_layer: {} },
  ];
  assert.deepEqual(take({ layered_runtime: { layers } }).problems, [
    'layered_runtime/layers/1/disk_layer: disk_layer is not supported',
    'layered_runtime/layers/0/static_layer/upstream/use_http2: nothing in this file reads the runtime key upstream.use_http2',
  ]);
});

test('connections are bounded by the overload manager or by the runtime', () => {
  const monitor = (type: string): JsonValue => ({
    name: 'connections',
    typed_config: {
      '@type': `type.googleapis.com/envoy.extensions.resource_monitors.${type}`,
      max_active_downstream_connections: '500',
    },
  });
  const connections = monitor('downstream_connections.v3.DownstreamConnectionsConfig');
  assert.equal(take({ overload_manager: { resource_monitors: [connections] } }).maxConnections, 500);
  const static_layer = { 'overload.global_downstream_max_connections': 70 };
  assert.equal(take({ layered_runtime: { layers: [{ static_layer }] } }).maxConnections, 70);
  assert.equal(take({}).maxConnections, null);
  const { problems } = take({ overload_manager: { resource_monitors: monitor('fixed_heap.v3.X'), actions: [] } });
  assert.deepEqual(problems, [
    'overload_manager/resource_monitors/0: nothing in this proxy reads envoy.extensions.resource_monitors.fixed_heap.v3.X',
    'overload_manager/actions: overload_manager.actions is not supported',
  ]);
});

test('of bootstrap extensions the one for internal listeners is there anyway', () => {
  const type = 'type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener';
  const typed = { '@type': 'type.googleapis.com/udpa.type.v1.TypedStruct', type_url: type };
  assert.deepEqual(take({ bootstrap_extensions: [{ typed_config: { '@type': type } }] }).problems, []);
  assert.deepEqual(take({ bootstrap_extensions: [{ typed_config: typed }] }).problems, []);
  assert.match(take({ bootstrap_extensions: [{ name: 'x' }] }).problems.join(), /reads an extension without a type/);
});

test('the cluster that the proxy belongs to', () => {
  assert.equal(take({}).localCluster, '');
  const { localCluster, problems } = take({ clusterManager: { localClusterName: 'us' } });
  assert.deepEqual([localCluster, problems], ['us', []]);
});
