/**
 * Envoy's listeners and clusters with a sidecar's duties, in its own JSON: outbound one hundred routes with retries and
 * a request id; inbound a rule (RBAC) and the caller's identity in a header; both sides write a JSON access log.
 */
import { type Credentials, SERVER_NAME, SPIFFE_ID } from './credentials.ts';
import { routePrefixes } from './peer.ts';

const TYPES = 'type.googleapis.com/envoy';
const HTTP = `${TYPES}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`;
const TLS = `${TYPES}.extensions.transport_sockets.tls.v3`;

export interface HttpListenerOptions {
  readonly port: number;
  readonly cluster: string;
  /** `grpc`: outbound, for requests that the hundred routes do not name. */
  readonly side: 'out' | 'grpc' | 'in';
  readonly logFile: string;
  readonly tls: object | null;
}

export function httpListener({ port, cluster: to, side, logFile, tls }: HttpListenerOptions): object {
  const route = { cluster: to, timeout: '0s', retry_policy: { retry_on: 'connect-failure,refused-stream' } };
  const prefixes = side === 'out' ? routePrefixes() : ['/'];
  const identity =
    side === 'in'
      ? { forward_client_cert_details: 'SANITIZE_SET', set_current_client_cert_details: { uri: true } }
      : { forward_client_cert_details: 'SANITIZE' };
  return listener(port, tls, {
    name: 'http',
    typed_config: {
      '@type': HTTP,
      stat_prefix: side,
      // HTTP/1.1, or HTTP/2 with prior knowledge.
      codec_type: 'AUTO',
      generate_request_id: true,
      ...identity,
      access_log: [accessLog(logFile)],
      http_filters: [...(side === 'in' ? [RBAC] : []), ROUTER],
      route_config: {
        virtual_hosts: [
          { name: 'all', domains: ['*'], routes: prefixes.map((prefix) => ({ match: { prefix }, route })) },
        ],
      },
    },
  });
}

export function tcpListener(port: number, to: string): object {
  const type = `${TYPES}.extensions.filters.network.tcp_proxy.v3.TcpProxy`;
  return listener(port, null, { name: 'tcp', typed_config: { '@type': type, stat_prefix: 'tcp', cluster: to } });
}

function listener(port: number, tls: object | null, filter: object): object {
  return {
    address: address(port),
    tcp_backlog_size: 4096,
    filter_chains: [{ ...(tls === null ? {} : { transport_socket: tls }), filters: [filter] }],
  };
}

export function cluster(name: string, port: number, protocol: 'http1' | 'http2', tls: object | null): object {
  const explicit = protocol === 'http2' ? { http2_protocol_options: {} } : { http_protocol_options: {} };
  const type = `${TYPES}.extensions.upstreams.http.v3.HttpProtocolOptions`;
  return {
    name,
    connect_timeout: '5s',
    lb_policy: 'LEAST_REQUEST',
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: address(port) } }] }],
    },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': { '@type': type, explicit_http_config: explicit },
    },
    ...(tls === null ? {} : { transport_socket: tls }),
  };
}

export function downstreamTls(credentials: Credentials): object {
  const type = `${TLS}.DownstreamTlsContext`;
  return socket({ '@type': type, require_client_certificate: true, common_tls_context: common(credentials) });
}

export function upstreamTls(credentials: Credentials): object {
  const type = `${TLS}.UpstreamTlsContext`;
  return socket({ '@type': type, sni: SERVER_NAME, common_tls_context: common(credentials) });
}

const socket = (typed: object): object => ({ name: 'envoy.transport_sockets.tls', typed_config: typed });

function common({ certificateFile, keyFile, caFile }: Credentials): object {
  return {
    alpn_protocols: ['h2'],
    // As a client it goes no further than 1.2 by itself.
    tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
    tls_certificates: [{ certificate_chain: { filename: certificateFile }, private_key: { filename: keyFile } }],
    validation_context: {
      trusted_ca: { filename: caFile },
      match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { exact: SPIFFE_ID } }],
    },
  };
}

const address = (port: number): object => ({ socket_address: { address: '127.0.0.1', port_value: port } });

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'];

const RBAC = {
  name: 'envoy.filters.http.rbac',
  typed_config: {
    '@type': `${TYPES}.extensions.filters.http.rbac.v3.RBAC`,
    rules: {
      action: 'ALLOW',
      policies: {
        callers: {
          permissions: METHODS.map((exact) => ({ header: { name: ':method', string_match: { exact } } })),
          principals: [{ authenticated: { principal_name: { exact: SPIFFE_ID } } }],
        },
      },
    },
  },
};

const ROUTER = {
  name: 'envoy.filters.http.router',
  typed_config: { '@type': `${TYPES}.extensions.filters.http.router.v3.Router` },
};

function accessLog(path: string): object {
  return {
    name: 'envoy.access_loggers.file',
    typed_config: {
      '@type': `${TYPES}.extensions.access_loggers.file.v3.FileAccessLog`,
      path,
      log_format: {
        json_format: {
          time: '%START_TIME%',
          method: '%REQ(:METHOD)%',
          path: '%REQ(:PATH)%',
          status: '%RESPONSE_CODE%',
          flags: '%RESPONSE_FLAGS%',
          durationMs: '%DURATION%',
          bytesOut: '%BYTES_SENT%',
          upstream: '%UPSTREAM_HOST%',
          requestId: '%REQ(X-REQUEST-ID)%',
          route: '%UPSTREAM_CLUSTER%',
        },
      },
    },
  };
}
