/** A bootstrap that writes everything that can be written, several ways, and the operators of which that is. */
import type { TlsIdentity } from '../../src/core/runtime.ts';

type Json = Readonly<Record<string, unknown>>;

const TYPES = 'type.googleapis.com/envoy.extensions';

export const OPERATORS: readonly string[] = [
  '%%',
  '%REQ(X-A)%',
  '%REQ(X-A):3%',
  '%REQ(NONE?X-A)%',
  '%REQ(X-TWO)%',
  '%REQ(:METHOD)%',
  '%REQ(:PATH)%',
  '%REQ(:AUTHORITY)%',
  '%REQ(:SCHEME)%',
  '%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%',
  '%REQ(X-REQUEST-ID)%',
  '%RESP(X-UP)%',
  '%RESP(:STATUS)%',
  '%TRAILER(X-T)%',
  '%START_TIME%',
  '%START_TIME(%Y/%m/%dT%H:%M:%S%z)%',
  '%START_TIME(%s.%3f)%',
  '%START_TIME(%a %b %e %j)%',
  '%START_TIME_LOCAL%',
  '%EMIT_TIME%',
  '%PROTOCOL%',
  '%UPSTREAM_PROTOCOL%',
  '%RESPONSE_CODE%',
  '%RESPONSE_FLAGS%',
  '%RESPONSE_FLAGS_LONG%',
  '%RESPONSE_CODE_DETAILS%',
  '%BYTES_RECEIVED%',
  '%DURATION%',
  '%REQUEST_DURATION%',
  '%REQUEST_TX_DURATION%',
  '%RESPONSE_DURATION%',
  '%RESPONSE_TX_DURATION%',
  '%UPSTREAM_HOST%',
  '%UPSTREAM_CLUSTER%',
  '%UPSTREAM_CLUSTER_RAW%',
  '%UPSTREAM_REMOTE_ADDRESS%',
  '%UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%',
  '%UPSTREAM_REMOTE_PORT%',
  '%UPSTREAM_LOCAL_ADDRESS%',
  '%UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT%',
  '%UPSTREAM_LOCAL_PORT%',
  '%UPSTREAM_REQUEST_ATTEMPT_COUNT%',
  ...['DOWNSTREAM', 'UPSTREAM'].flatMap((end) => [
    `%${end}_TLS_VERSION%`,
    `%${end}_TLS_CIPHER%`,
    `%${end}_PEER_URI_SAN%`,
    `%${end}_PEER_DNS_SAN%`,
    `%${end}_PEER_SUBJECT%`,
    `%${end}_PEER_ISSUER%`,
    `%${end}_PEER_CERT_V_START%`,
    `%${end}_PEER_CERT_V_END(%Y-%m-%d)%`,
  ]),
  '%DOWNSTREAM_REMOTE_ADDRESS%',
  '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%',
  '%DOWNSTREAM_REMOTE_PORT%',
  '%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%',
  '%DOWNSTREAM_LOCAL_ADDRESS%',
  '%DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT%',
  '%DOWNSTREAM_LOCAL_PORT%',
  '%DOWNSTREAM_DIRECT_LOCAL_PORT%',
  '%DOWNSTREAM_PEER_FINGERPRINT_256%',
  '%DOWNSTREAM_PEER_SERIAL%',
  '%REQUESTED_SERVER_NAME%',
  '%ROUTE_NAME%',
  '%VIRTUAL_CLUSTER_NAME%',
  '%HOSTNAME%',
  '%FILTER_CHAIN_NAME%',
  '%STREAM_ID%',
  '%UNIQUE_ID%',
  '%CONNECTION_ID%',
  '%GRPC_STATUS%',
  '%GRPC_STATUS_NUMBER%',
  '%PATH%',
  '%PATH(NQ)%',
  '%PATH(NQ:ORIG)%',
  '%PATH(WQ:PATH)%',
  '%QUERY_PARAM(q)%',
  '%QUERY_PARAM(nope)%',
  '%QUERY_PARAMS%',
  '%ENVIRONMENT(HOME)%',
  '%ENVIRONMENT(HOME):3%',
  '%METADATA(ROUTE:ns:k)%',
  '%METADATA(ROUTE:ns:o:a)%',
  '%METADATA(CLUSTER:ns:k)%',
  '%METADATA(LISTENER:ns:k)%',
  '%METADATA(UPSTREAM_HOST:envoy.lb:k)%',
  '%CLUSTER_METADATA(ns:o)%',
  '%CLUSTER_METADATA(ns)%',
  '%CLUSTER_METADATA(ns:nope)%',
  '%UPSTREAM_METADATA(envoy.lb:k)%',
  '%ACCESS_LOG_TYPE%',
];

/** What differs from run to run. */
export const VOLATILE: ReadonlySet<string> = new Set(
  OPERATORS.filter((operator) =>
    /TIME|DURATION|REMOTE_PORT|LOCAL_PORT|_ADDRESS%|AUTHORITY|REQUEST-ID|_ID\)?%|UPSTREAM_HOST/.test(operator),
  ),
);

const JSON_FORMAT: Json = {
  ...Object.fromEntries(OPERATORS.map((operator) => [operator, operator])),
  '%REQ(X-NAME)%': '%REQ(X-NAME)%',
};

export function loggingBootstrap(
  ports: { readonly http: number; readonly tcp: number; readonly secure: number },
  identity: TlsIdentity,
  pathOf: (log: string) => string,
): Json {
  const file = (log: string, rest: Json, filter: Json = {}): Json => ({
    name: log,
    typed_config: { '@type': `${TYPES}.access_loggers.file.v3.FileAccessLog`, path: pathOf(log), ...rest },
    ...filter,
  });
  const NAME = '%REQ(X-NAME)%';
  const logs = [
    file('json', { log_format: { json_format: JSON_FORMAT } }),
    file('nested', { log_format: { json_format: NESTED } }),
    file('omit', { log_format: { json_format: NESTED, omit_empty_values: true } }),
    file('default', {}),
    file('old', { format: `${NAME} %RESPONSE_CODE% é\n` }),
    file('text', { log_format: { text_format: `${NAME} %REQ(X-A)% [%REQ(NONE)%]\n` } }),
    file('gaps', {
      log_format: {
        text_format_source: { inline_string: `${NAME} [%REQ(NONE)%] %RESPONSE_FLAGS%\n` },
        omit_empty_values: true,
      },
    }),
    ...Object.entries(FILTERS).map(([name, filter]) =>
      file(`filter-${name}`, { log_format: { text_format: `${NAME}\n` } }, { filter }),
    ),
  ];
  const secure = httpListener('secure', ROUTES, logs);
  return {
    static_resources: {
      listeners: [
        httpListener('http', ROUTES, logs),
        {
          ...secure,
          listener_filters: [TLS_INSPECTOR],
          filter_chains: secure.filter_chains.map((chain) => ({ ...chain, ...downstreamTls(identity) })),
        },
        listener('tcp', {
          '@type': `${TYPES}.filters.network.tcp_proxy.v3.TcpProxy`,
          stat_prefix: 'tcp',
          cluster: 'tcp',
          access_log: [file('tcp', { log_format: { json_format: JSON_FORMAT } })],
        }),
        {
          ...listener('logged-tcp', tcpProxy('tcp')),
          access_log: [file('listener-tcp', { log_format: { json_format: JSON_FORMAT } })],
        },
        {
          ...httpListener('logged-http', ROUTES, []),
          access_log: [file('listener-http', { log_format: { json_format: JSON_FORMAT } })],
        },
        { ...unmatched(), access_log: [file('listener-none', { log_format: { json_format: JSON_FORMAT } })] },
      ],
      clusters: [
        cluster('http', [ports.http]),
        cluster('tcp', [ports.tcp]),
        { ...cluster('secure', [ports.secure]), ...upstreamTls(identity) },
        cluster('none', []),
        // Nobody listens there.
        cluster('refused', [1]),
      ],
    },
  };
}

function tcpProxy(to: string): Json {
  return { '@type': `${TYPES}.filters.network.tcp_proxy.v3.TcpProxy`, stat_prefix: to, cluster: to };
}

/** Its one filter chain takes what nobody sends. */
function unmatched(): Json {
  const { filter_chains: chains, ...rest } = listener('unmatched', tcpProxy('tcp'));
  const filter_chain_match = { destination_port: 1 };
  return {
    ...rest,
    filter_chains: chains.map((chain) => ({ ...chain, filter_chain_match })),
  };
}

const TLS_INSPECTOR: Json = {
  name: 'tls',
  typed_config: { '@type': `${TYPES}.filters.listener.tls_inspector.v3.TlsInspector` },
};

const NESTED: Json = {
  z: '%RESPONSE_CODE%',
  name: '%REQ(X-NAME)%',
  mixed: 'a %REQ(none)% b %BYTES_RECEIVED%',
  object: { b: '%RESPONSE_CODE%', a: ['%BYTES_RECEIVED%', 'x', 3, true, null, '%REQ(none)%'], n: { e: '%REQ(none)%' } },
  number: 3.5,
  nothing: null,
  empty: '',
};

const runtime = (default_value: number): Json => ({ default_value, runtime_key: 'none' });
const status = (op: string, value: number): Json => ({
  status_code_filter: { comparison: { op, value: runtime(value) } },
});

/** By name, a filter each. */
export const FILTERS: Readonly<Record<string, Json>> = {
  failed: status('GE', 500),
  fine: status('LE', 299),
  exact: status('EQ', 418),
  slow: { duration_filter: { comparison: { op: 'GE', value: runtime(150) } } },
  quick: { duration_filter: { comparison: { op: 'LE', value: runtime(149) } } },
  health: { not_health_check_filter: {} },
  half: { runtime_filter: { runtime_key: 'none', percent_sampled: { numerator: 50, denominator: 'HUNDRED' } } },
  never: { runtime_filter: { runtime_key: 'none', percent_sampled: { numerator: 0 } } },
  chance: {
    runtime_filter: { runtime_key: 'none', percent_sampled: { numerator: 100 }, use_independent_randomness: true },
  },
  field: { header_filter: { header: { name: 'x-two', string_match: { prefix: 'one' } } } },
  'no-field': { header_filter: { header: { name: 'x-two', present_match: true, invert_match: true } } },
  flagged: { response_flag_filter: {} },
  flags: { response_flag_filter: { flags: ['UH', 'NR'] } },
  grpc: { grpc_status_filter: { statuses: ['UNAVAILABLE', 'UNKNOWN'] } },
  'no-grpc': { grpc_status_filter: { statuses: ['UNAVAILABLE'], exclude: true } },
  type: { log_type_filter: { types: ['DownstreamEnd'] } },
  'no-type': { log_type_filter: { types: ['DownstreamEnd'], exclude: true } },
  both: { and_filter: { filters: [status('GE', 500), { response_flag_filter: { flags: ['UH'] } }] } },
  either: { or_filter: { filters: [status('EQ', 418), { response_flag_filter: { flags: ['UH'] } }] } },
};

function metadata(namespace: string, k: string): Json {
  return { filter_metadata: { [namespace]: { k, o: { a: 1, b: [true] } } } };
}

const ROUTES: readonly Json[] = [
  { match: { prefix: '/direct' }, name: 'd', direct_response: { status: 418, body: { inline_string: 'tea' } } },
  { match: { prefix: '/redirect' }, name: 'r', redirect: { host_redirect: 'elsewhere' } },
  { match: { prefix: '/none' }, route: { cluster: 'none' } },
  { match: { prefix: '/refused' }, route: { cluster: 'refused' } },
  { match: { prefix: '/late' }, route: { cluster: 'http', timeout: '0.2s' } },
  { match: { prefix: '/cut' }, route: { cluster: 'http' } },
  {
    match: { prefix: '/failing' },
    route: {
      cluster: 'http',
      retry_policy: { retry_on: '5xx', num_retries: 1, retry_back_off: { base_interval: '0.001s' } },
    },
  },
  { match: { prefix: '/secure' }, route: { cluster: 'secure' } },
  {
    match: { prefix: '/up' },
    name: 'up',
    metadata: metadata('ns', 'of the route'),
    route: { cluster: 'http', prefix_rewrite: '/rewritten' },
  },
];

/** Its routes are all of one host that every name leads to. */
export function httpListener(
  name: string,
  routes: readonly Json[],
  logs: readonly Json[],
  more: Json = {},
): ListenerJson {
  return listener(name, {
    '@type': `${TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: name,
    access_log: logs,
    http_filters: [{ name: 'router', typed_config: { '@type': `${TYPES}.filters.http.router.v3.Router` } }],
    route_config: { name: 'routes', virtual_hosts: [{ name: 'all', domains: ['*'], routes }] },
    ...more,
  });
}

function downstreamTls(identity: TlsIdentity): Json {
  return transport('DownstreamTlsContext', identity, { require_client_certificate: true });
}

function upstreamTls(identity: TlsIdentity): Json {
  return transport('UpstreamTlsContext', identity, { sni: 'app.example' }, { tls_params: NEWEST });
}

/** Envoy's default towards servers is TLS 1.2. */
const NEWEST: Json = { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' };

function transport(type: string, identity: TlsIdentity, more: Json, params: Json = {}): Json {
  const certificate = {
    certificate_chain: { inline_string: identity.certificateChainPem },
    private_key: { inline_string: identity.privateKeyPem },
  };
  const validation = { trusted_ca: { inline_string: identity.trustBundlePem } };
  const common = { tls_certificates: [certificate], validation_context: validation, ...params };
  const config = { '@type': `${TYPES}.transport_sockets.tls.v3.${type}`, common_tls_context: common, ...more };
  return { transport_socket: { name: 'tls', typed_config: config } };
}

interface ListenerJson extends Json {
  readonly filter_chains: readonly Json[];
}

function listener(name: string, filter: Json): ListenerJson {
  return {
    name,
    metadata: metadata('ns', 'of the listener'),
    address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
    filter_chains: [{ name: 'chain', filters: [{ name: 'last', typed_config: filter }] }],
  };
}

export function cluster(name: string, ports: readonly number[]): Json {
  const endpoints = ports.map((port) => ({
    endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } },
    metadata: metadata('envoy.lb', 'of the host'),
  }));
  return {
    name,
    type: 'STATIC',
    metadata: metadata('ns', 'of the cluster'),
    connect_timeout: '1s',
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: endpoints }] },
  };
}
