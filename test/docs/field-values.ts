/** Values by which a field shows what it does, where any of its kind would not; and those that cannot show it. */
import type { JsonValue } from '../../src/xds/wire/json.ts';

const P = 'type.googleapis.com/envoy.extensions.';
const VALIDATION = 'extensions.transport_sockets.tls.v3.CertificateValidationContext';
const TLS_PARAMETERS = 'extensions.transport_sockets.tls.v3.TlsParameters';
const CARES = 'extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig';
const RAW: JsonValue = { '@type': `${P}transport_sockets.raw_buffer.v3.RawBuffer` };
const STDOUT: JsonValue = { '@type': `${P}access_loggers.stream.v3.StdoutAccessLog` };
const PER_ROUTE: JsonValue = {
  rbac: { '@type': `${P}filters.http.rbac.v3.RBACPerRoute`, rbac: { rules: { action: 'DENY' } } },
};

/** By the field's full name, without `envoy.`. */
export const VALUES: ReadonlyMap<string, readonly JsonValue[]> = new Map<string, readonly JsonValue[]>([
  ['config.core.v3.ApiConfigSource.cluster_names', [['a', 'b']]],
  [
    'extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.set_current_client_cert_details',
    [{ cert: true }],
  ],
  ['config.route.v3.RetryPolicy.retriable_headers', [[{ name: 'x-again', present_match: true }]]],
  ['config.route.v3.RetryPolicy.retriable_request_headers', [[{ name: 'x-may', present_match: true }]]],
  ['config.route.v3.RouteConfiguration.typed_per_filter_config', [PER_ROUTE]],
  ['config.route.v3.VirtualHost.typed_per_filter_config', [PER_ROUTE]],
  ['config.route.v3.WeightedCluster.ClusterWeight.typed_per_filter_config', [PER_ROUTE]],
  [`${VALIDATION}.verify_certificate_hash`, [['ab'.repeat(32)]]],
  [`${VALIDATION}.verify_certificate_spki`, [[`${'A'.repeat(43)}=`]]],
  [`${TLS_PARAMETERS}.cipher_suites`, [['ECDHE-ECDSA-AES128-GCM-SHA256']]],
  [`${TLS_PARAMETERS}.ecdh_curves`, [['P-256']]],
  [`${TLS_PARAMETERS}.signature_algorithms`, [['ecdsa_secp256r1_sha256']]],
  ['config.accesslog.v3.AccessLog.filter', [{ response_flag_filter: { flags: ['UF'] } }]],
  ['config.accesslog.v3.AccessLogFilter.metadata_filter', [{ match_if_key_not_found: true }]],
  [
    'extensions.access_loggers.file.v3.FileAccessLog.log_format',
    [{ text_format_source: { inline_string: '%PROTOCOL%' } }],
  ],
  ['config.core.v3.SubstitutionFormatString.text_format_source', [{ inline_string: '%PROTOCOL%' }]],
  ['config.listener.v3.Listener.access_log', [[{ typed_config: STDOUT }]]],
  ['extensions.filters.network.tcp_proxy.v3.TcpProxy.access_log', [[{ typed_config: STDOUT }]]],
  ['config.cluster.v3.Cluster.upstream_http_protocol_options', [{ auto_sni: true }]],
  ['extensions.upstreams.http.v3.HttpProtocolOptions.upstream_http_protocol_options', [{ auto_sni: true }]],
  ['config.cluster.v3.Cluster.typed_dns_resolver_config', [{ typed_config: RAW }]],
  ['config.cluster.v3.Cluster.upstream_bind_config', [{ source_address: { address: '127.0.0.8', port_value: 0 } }]],
  ['config.cluster.v3.Cluster.upstream_connection_options', [{ tcp_keepalive: {} }]],
  ['config.core.v3.BindConfig.freebind', [true]],
  ['config.route.v3.RetryPolicy.RetryHostPredicate.typed_config', [RAW]],
  ['config.route.v3.RetryPolicy.RetryPriority.typed_config', [RAW]],
  [`${CARES}.resolvers`, [[{ socket_address: { address: '10.0.0.54', port_value: 53 } }]]],
  [`${CARES}.dns_resolver_options`, [{ no_default_search_domain: true }]],
  ['config.endpoint.v3.Endpoint.address', [{ pipe: { path: '/run/app.sock' } }]],
]);

/** A function looks the same with another value in it. */
const COMPILED = 'compiled to a function: the tests of access logs call it';

/** With the reason for which reading a resource does not show it. */
export const NOT_SHOWN: readonly (readonly [fields: RegExp, reason: string])[] = [
  [
    /^config\.core\.v3\.DataSource\.(filename|environment_variable)$/,
    'read with a bootstrap file: read-bootstrap.test.ts',
  ],
  [/^config\.core\.v3\.(BuildVersion|ControlPlane)\./, 'said by one end of a stream to the other'],
  [/^type\.matcher\.v3\.RegexMatchAndSubstitute\.substitution$/, 'compiled: substitution.test.ts'],
  [/^config\.core\.v3\.(SocketOption|SocketOptionsOverride)\./, 'stands in socket_options, which are refused'],
  [
    /^config\.route\.v3\.RouteConfiguration\.max_direct_response_body_size_bytes$/,
    'a bound on other fields: host-settings.test.ts',
  ],
  [/^config\.route\.v3\.FilterConfig\.is_optional$/, 'says what may be unknown: filter-overrides.test.ts'],
  [/^config\.core\.v3\.Pipe\./, 'stands in an address that is refused'],
  [
    /^type\.matcher\.v3\.(DoubleMatcher|ListMatcher|MetadataMatcher|NullMatch|OrMatcher|ValueMatcher)\b/,
    'stands in matchers of metadata, which are refused',
  ],
  [/^config\.accesslog\.v3\.(ExtensionFilter|MetadataFilter)\./, 'stands in a filter that is refused'],
  [/^config\.accesslog\.v3\.(GrpcStatus|LogType|ResponseFlag|Runtime)Filter\./, COMPILED],
  [/^config\.core\.v3\.RuntimeUInt32\./, COMPILED],
  [/^config\.core\.v3\.SubstitutionFormatString\.omit_empty_values$/, COMPILED],
  [/^extensions\.access_loggers\.file\.v3\.FileAccessLog\.format$/, COMPILED],
  [/^config\.listener\.v3\.AdditionalAddress\./, 'stands in what is refused'],
  [/^config\.core\.v3\.HealthStatusSet\./, 'stands in what no reader asks for'],
  [/^config\.core\.v3\.ProxyProtocolPassThroughTLVs\./, 'stands in what is passed over'],
  [
    /^extensions\.filters\.listener\.proxy_protocol\.v3\.ProxyProtocol\.(KeyValuePair|Rule)\./,
    'stands in rules, which are refused',
  ],
  [/^extensions\.filters\.common\.fault\.v3\.FaultRateLimit\b/, 'stands in response_rate_limit, which is refused'],
  [/^extensions\.load_balancing_policies\.common\.v3\.ConsistentHashingLbConfig\./, 'stands in what is refused'],
  [/^extensions\.common\.dynamic_forward_proxy\.v3\.DnsCacheConfig\./, 'kept as it came; nobody reads it'],
  [/^extensions\.filters\.http\.dynamic_forward_proxy\.v3\.FilterConfig\./, 'kept as it came; nobody reads it'],
  [/^extensions\.filters\.network\.rbac\.v3\.RBAC\.(shadow_rules_)?stat_prefix$/, 'kept as it came; nobody reads it'],
];
