/** Which Envoy messages Weft's control plane can build. Everything they reach comes along, except what is cut here. */

/** Files whose every message is a root: small extension configurations, kept whole. */
export const ROOT_FILES: readonly string[] = [
  'envoy/config/trace/v3/opentelemetry.proto',
  'envoy/extensions/access_loggers/file/v3/file.proto',
  'envoy/extensions/access_loggers/stream/v3/stream.proto',
  'envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster.proto',
  'envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy.proto',
  'envoy/extensions/filters/http/fault/v3/fault.proto',
  'envoy/extensions/filters/http/on_demand/v3/on_demand.proto',
  'envoy/extensions/filters/http/rbac/v3/rbac.proto',
  'envoy/extensions/filters/http/router/v3/router.proto',
  'envoy/extensions/filters/listener/http_inspector/v3/http_inspector.proto',
  'envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector.proto',
  'envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto',
  'envoy/extensions/filters/network/rbac/v3/rbac.proto',
  'envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.proto',
  'envoy/extensions/load_balancing_policies/least_request/v3/least_request.proto',
  'envoy/extensions/load_balancing_policies/round_robin/v3/round_robin.proto',
  'envoy/extensions/load_balancing_policies/wrr_locality/v3/wrr_locality.proto',
  'envoy/extensions/retry/host/previous_hosts/v3/previous_hosts.proto',
  'envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer.proto',
  'envoy/extensions/transport_sockets/internal_upstream/v3/internal_upstream.proto',
  'envoy/extensions/transport_sockets/tls/v3/tls.proto',
  'envoy/extensions/upstreams/http/v3/http_protocol_options.proto',
];

export const ROOT_MESSAGES: readonly string[] = [
  'envoy.config.bootstrap.v3.Bootstrap',
  'envoy.config.cluster.v3.Cluster',
  'envoy.config.endpoint.v3.ClusterLoadAssignment',
  'envoy.config.listener.v3.Listener',
  'envoy.config.route.v3.RouteConfiguration',
  'envoy.extensions.transport_sockets.tls.v3.Secret',
  'envoy.service.discovery.v3.DiscoveryRequest',
  'envoy.service.discovery.v3.DiscoveryResponse',
  'envoy.service.discovery.v3.DeltaDiscoveryRequest',
  'envoy.service.discovery.v3.DeltaDiscoveryResponse',
  'envoy.service.status.v3.ClientStatusRequest',
  'envoy.service.status.v3.ClientStatusResponse',
];

/** Compiled only to be cut: the roots' files of which one message or none is used. */
export const SOURCE_FILES: readonly string[] = [
  ...ROOT_FILES,
  'envoy/config/bootstrap/v3/bootstrap.proto',
  'envoy/config/cluster/v3/cluster.proto',
  'envoy/config/endpoint/v3/endpoint.proto',
  'envoy/config/listener/v3/listener.proto',
  'envoy/config/route/v3/route.proto',
  'envoy/extensions/transport_sockets/tls/v3/secret.proto',
  'envoy/service/discovery/v3/discovery.proto',
  'envoy/service/status/v3/csds.proto',
];

/** Messages, or packages with a final dot, that are cut out: a field of such a type goes with them. */
export const CUT: readonly string[] = [
  'envoy.config.bootstrap.v3.ClusterManager',
  'envoy.config.bootstrap.v3.CustomInlineHeader',
  'envoy.config.bootstrap.v3.LayeredRuntime',
  'envoy.config.bootstrap.v3.MemoryAllocatorManager',
  'envoy.config.bootstrap.v3.Watchdog',
  'envoy.config.bootstrap.v3.Watchdogs',
  'envoy.config.bootstrap.v3.Bootstrap.ApplicationLogConfig',
  'envoy.config.bootstrap.v3.Bootstrap.DeferredStatOptions',
  'envoy.config.bootstrap.v3.Bootstrap.GrpcAsyncClientManagerConfig',
  'envoy.config.metrics.v3.',
  'envoy.config.overload.v3.',
  'envoy.config.trace.v3.OpenCensusConfig',
  'google.api.expr.',
  'envoy.config.listener.v3.UdpListenerConfig',
  'envoy.config.listener.v3.QuicProtocolOptions',
  'envoy.admin.v3.ListenersConfigDump',
  'envoy.admin.v3.ClustersConfigDump',
  'envoy.admin.v3.RoutesConfigDump',
  'envoy.admin.v3.ScopedRoutesConfigDump',
  'envoy.admin.v3.EndpointsConfigDump',
  'envoy.service.status.v3.PerXdsConfig',
  'envoy.config.route.v3.ScopedRouteConfiguration',
  'envoy.extensions.filters.network.http_connection_manager.v3.ScopedRoutes',
];
