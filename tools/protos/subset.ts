/**
 * What a sidecar understands of Envoy's messages: the field roots of src/xds/tables. A message that is reached and not
 * named here comes whole; a named one comes with these fields only, and the decoder reports the others as unknown.
 */

import { CLUSTER_FIELDS } from './subset-clusters.ts';
import { LISTENER_FIELDS } from './subset-listeners.ts';
import { ROUTE_FIELDS } from './subset-routes.ts';

/** Messages that are decoded by themselves: discovery, resources, and what stands in an Any. */
export const TABLE_ROOTS: readonly string[] = [
  'envoy.config.bootstrap.v3.Bootstrap',
  'envoy.config.cluster.v3.Cluster',
  'envoy.config.endpoint.v3.ClusterLoadAssignment',
  'envoy.config.listener.v3.Listener',
  'envoy.config.route.v3.RouteConfiguration',
  'envoy.extensions.access_loggers.file.v3.FileAccessLog',
  'envoy.extensions.access_loggers.stream.v3.StdoutAccessLog',
  'envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig',
  'envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig',
  'envoy.extensions.filters.http.fault.v3.HTTPFault',
  'envoy.extensions.filters.http.rbac.v3.RBAC',
  'envoy.extensions.filters.http.rbac.v3.RBACPerRoute',
  'envoy.extensions.filters.http.router.v3.Router',
  'envoy.extensions.filters.listener.http_inspector.v3.HttpInspector',
  'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector',
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
  'envoy.extensions.filters.network.rbac.v3.RBAC',
  'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
  'envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer',
  'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
  'envoy.extensions.transport_sockets.tls.v3.Secret',
  'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
  'envoy.service.discovery.v3.DeltaDiscoveryRequest',
  'envoy.service.discovery.v3.DeltaDiscoveryResponse',
  'envoy.service.discovery.v3.DiscoveryRequest',
  'envoy.service.discovery.v3.DiscoveryResponse',
  'envoy.service.status.v3.ClientStatusRequest',
  'envoy.service.status.v3.ClientStatusResponse',
];

/** Interfaces are named as protobuf-es names them, without the package; two of one name need another. */
export const TABLE_NAMES: Readonly<Record<string, string>> = {
  'envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig': 'DynamicForwardCluster',
  'envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig': 'DynamicForwardFilter',
  'envoy.extensions.filters.http.rbac.v3.RBAC': 'HttpRbac',
  'envoy.extensions.filters.http.rbac.v3.RBACPerRoute': 'HttpRbacPerRoute',
  'envoy.extensions.filters.network.rbac.v3.RBAC': 'NetworkRbac',
  'envoy.config.rbac.v3.RBAC': 'Rbac',
  'envoy.config.rbac.v3.RBAC.Action': 'Rbac_Action',
  'envoy.config.rbac.v3.Policy': 'RbacPolicy',
  'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy': 'TcpProxyConfig',
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': 'UpstreamHttpOptions',
  'google.rpc.Status': 'RpcStatus',
};

/** Fields by message. */
export const SUBSET: Readonly<Record<string, readonly string[]>> = {
  ...CLUSTER_FIELDS,
  ...LISTENER_FIELDS,
  ...ROUTE_FIELDS,
  'envoy.config.bootstrap.v3.Admin': ['address'],
  'envoy.config.bootstrap.v3.Bootstrap': ['node', 'static_resources', 'dynamic_resources', 'admin'],
  'envoy.config.bootstrap.v3.Bootstrap.DynamicResources': ['lds_config', 'cds_config', 'ads_config'],
  'envoy.config.bootstrap.v3.Bootstrap.StaticResources': ['listeners', 'clusters', 'secrets'],
  'envoy.config.core.v3.ApiConfigSource': [
    'api_type',
    'transport_api_version',
    'cluster_names',
    'grpc_services',
    'refresh_delay',
    'request_timeout',
    'set_node_on_first_message_only',
  ],
  'envoy.config.core.v3.ConfigSource': [
    'api_config_source',
    'ads',
    'self',
    'initial_fetch_timeout',
    'resource_api_version',
  ],
  'envoy.config.core.v3.DataSource': ['filename', 'inline_bytes', 'inline_string', 'environment_variable'],
  'envoy.config.core.v3.GrpcService': ['envoy_grpc'],
  'envoy.config.core.v3.GrpcService.EnvoyGrpc': ['cluster_name', 'authority'],
  'envoy.config.core.v3.Http1ProtocolOptions': ['allow_absolute_url', 'accept_http_10', 'default_host_for_http_10'],
  'envoy.config.core.v3.Http2ProtocolOptions': [
    'max_concurrent_streams',
    'initial_stream_window_size',
    'initial_connection_window_size',
    'allow_connect',
    'connection_keepalive',
  ],
  'envoy.config.core.v3.HttpProtocolOptions': [
    'idle_timeout',
    'max_connection_duration',
    'max_headers_count',
    'max_stream_duration',
    'headers_with_underscores_action',
    'max_requests_per_connection',
  ],
  'envoy.config.core.v3.Metadata': ['filter_metadata'],
  'envoy.config.core.v3.Node': [
    'id',
    'cluster',
    'metadata',
    'locality',
    'user_agent_name',
    'user_agent_version',
    'client_features',
  ],
  'envoy.config.core.v3.SubstitutionFormatString': [
    'text_format',
    'json_format',
    'text_format_source',
    'omit_empty_values',
  ],
  'envoy.service.discovery.v3.DeltaDiscoveryRequest': [
    'node',
    'type_url',
    'resource_names_subscribe',
    'resource_names_unsubscribe',
    'initial_resource_versions',
    'response_nonce',
    'error_detail',
  ],
  'envoy.service.discovery.v3.DeltaDiscoveryResponse': [
    'system_version_info',
    'resources',
    'type_url',
    'removed_resources',
    'nonce',
    'control_plane',
  ],
  'envoy.service.discovery.v3.DiscoveryRequest': [
    'version_info',
    'node',
    'resource_names',
    'type_url',
    'response_nonce',
    'error_detail',
  ],
  'envoy.service.discovery.v3.DiscoveryResponse': ['version_info', 'resources', 'type_url', 'nonce', 'control_plane'],
  'envoy.service.discovery.v3.Resource': ['name', 'aliases', 'version', 'resource', 'ttl'],
  'envoy.service.status.v3.ClientConfig': ['node', 'generic_xds_configs', 'client_scope'],
  'envoy.service.status.v3.ClientStatusRequest': ['node', 'exclude_resource_contents'],
  'envoy.type.matcher.v3.RegexMatcher': ['regex'],
  'envoy.type.matcher.v3.StringMatcher': ['exact', 'prefix', 'suffix', 'safe_regex', 'contains', 'ignore_case'],
};
