/** Where the words of a reader mislead about a field, as field-effects.test.ts found: what the field does all the same. */

/** `part`: but for values that are refused with their reason; `idle`: taken, and changes nothing. */
export type Support = 'yes' | 'part' | 'refused' | 'idle';

const METADATA = ['endpoint.v3.LocalityLbEndpoints', 'listener.v3.FilterChain'];
const TYPED = [
  'config.accesslog.v3.AccessLog',
  'config.core.v3.TransportSocket',
  'config.listener.v3.Filter',
  'config.listener.v3.ListenerFilter',
  'extensions.filters.network.http_connection_manager.v3.HttpFilter',
];
const TLS = 'extensions.transport_sockets.tls.v3.CertificateValidationContext';
const MANAGER = 'extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const UPSTREAM = 'extensions.upstreams.http.v3.HttpProtocolOptions';
const SLOW_START = 'extensions.load_balancing_policies.common.v3.SlowStartConfig';

/** By the full name of the field, without `envoy.`. */
export const CORRECTIONS: ReadonlyMap<string, Support> = new Map<string, Support>([
  ...METADATA.map((message): [string, Support] => [`config.${message}.metadata`, 'idle']),
  ...['RouteConfiguration', 'VirtualHost'].map((message): [string, Support] => [
    `config.route.v3.${message}.metadata`,
    'idle',
  ]),
  ...TYPED.map((message): [string, Support] => [`${message}.typed_config`, 'yes']),
  ...['id', 'cluster', 'metadata', 'locality'].map((field): [string, Support] => [
    `config.core.v3.Node.${field}`,
    'yes',
  ]),
  ...['slow_start_window', 'aggression', 'min_weight_percent'].map((field): [string, Support] => [
    `${SLOW_START}.${field}`,
    'yes',
  ]),
  ['config.accesslog.v3.AccessLog.name', 'idle'],
  ['config.cluster.v3.Cluster.CustomClusterType.name', 'idle'],
  ['config.cluster.v3.Cluster.TransportSocketMatch.name', 'idle'],
  ['config.core.v3.Address.pipe', 'refused'],
  ['config.core.v3.EnvoyInternalAddress.server_listener_name', 'yes'],
  ['config.core.v3.HttpProtocolOptions.headers_with_underscores_action', 'part'],
  ['config.core.v3.HttpProtocolOptions.max_headers_count', 'yes'],
  ['config.core.v3.HttpProtocolOptions.max_stream_duration', 'part'],
  ['config.core.v3.SelfConfigSource.transport_api_version', 'idle'],
  ['config.core.v3.SocketAddress.named_port', 'refused'],
  ['config.endpoint.v3.Endpoint.address', 'part'],
  ['config.cluster.v3.Cluster.http_protocol_options', 'part'],
  ['config.cluster.v3.Cluster.typed_dns_resolver_config', 'part'],
  ['config.cluster.v3.Cluster.upstream_http_protocol_options', 'part'],
  ['config.core.v3.BindConfig.extra_source_addresses', 'yes'],
  ['config.route.v3.RetryPolicy.RetryHostPredicate.name', 'idle'],
  ['config.route.v3.RetryPolicy.RetryHostPredicate.typed_config', 'part'],
  ['config.route.v3.RetryPolicy.RetryPriority.name', 'idle'],
  ['config.route.v3.RetryPolicy.RetryPriority.typed_config', 'part'],
  ['config.route.v3.QueryParameterMatcher.present_match', 'yes'],
  ['extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig.dns_resolver_options', 'part'],
  [`${UPSTREAM}.upstream_http_protocol_options`, 'part'],
  ['config.listener.v3.ListenerFilter.name', 'idle'],
  ['config.route.v3.WeightedCluster.total_weight', 'idle'],
  ...['AutoHttpConfig', 'ExplicitHttpConfig', 'UseDownstreamHttpConfig'].flatMap((message): [string, Support][] => [
    [`${UPSTREAM}.${message}.http_protocol_options`, 'idle'],
    ...(message === 'ExplicitHttpConfig'
      ? []
      : [[`${UPSTREAM}.${message}.http2_protocol_options`, 'idle'] as [string, Support]]),
  ]),
  ['config.rbac.v3.Permission.metadata', 'refused'],
  ['config.rbac.v3.Principal.metadata', 'refused'],
  ['config.route.v3.Route.stat_prefix', 'idle'],
  [`${TLS}.match_typed_subject_alt_names`, 'part'],
  [`${TLS}.trusted_ca`, 'part'],
  [`${MANAGER}.set_current_client_cert_details`, 'part'],
  [`${MANAGER}.strip_any_host_port`, 'yes'],
]);
