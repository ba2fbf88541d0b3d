import assert from 'node:assert/strict';
import test from 'node:test';
import { create, toJson } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { ClusterSchema } from './gen/envoy/config/cluster/v3/cluster_pb.ts';
import { RawBufferSchema } from './gen/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.ts';
import { UpstreamTlsContextSchema } from './gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts';
import { envoyTypes } from './registry.ts';

test('a cluster with nested Any configurations is readable as JSON to the end', () => {
  const cluster = create(ClusterSchema, {
    name: 'http|80|catalog.shop',
    connectTimeout: { seconds: 5n, nanos: 0 },
    transportSocketMatches: [
      {
        name: 'mesh',
        transportSocket: {
          name: 'envoy.transport_sockets.tls',
          configType: {
            case: 'typedConfig',
            value: anyPack(UpstreamTlsContextSchema, create(UpstreamTlsContextSchema, { sni: 'catalog.shop' })),
          },
        },
      },
      {
        name: 'default',
        transportSocket: {
          name: 'envoy.transport_sockets.raw_buffer',
          configType: { case: 'typedConfig', value: anyPack(RawBufferSchema, create(RawBufferSchema)) },
        },
      },
    ],
  });
  const text = JSON.stringify(toJson(ClusterSchema, cluster, { registry: envoyTypes }));
  assert.match(text, /"sni":"catalog.shop"/);
  assert.match(text, /"connectTimeout":"5s"/);
});

test('every discovery type and every extension that is generated is known', () => {
  for (const name of [
    'envoy.config.listener.v3.Listener',
    'envoy.config.route.v3.RouteConfiguration',
    'envoy.config.route.v3.VirtualHost',
    'envoy.config.endpoint.v3.ClusterLoadAssignment',
    'envoy.extensions.transport_sockets.tls.v3.Secret',
    'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
    'envoy.extensions.filters.listener.http_inspector.v3.HttpInspector',
    'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector',
    'envoy.extensions.filters.http.router.v3.Router',
    'envoy.extensions.filters.http.rbac.v3.RBACPerRoute',
    'envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig',
    'envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig',
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
    'envoy.extensions.access_loggers.file.v3.FileAccessLog',
    'envoy.extensions.access_loggers.stream.v3.StdoutAccessLog',
  ]) {
    assert.ok(envoyTypes.getMessage(name), name);
  }
});
