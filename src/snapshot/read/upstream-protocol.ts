/** What a cluster speaks, from its HttpProtocolOptions and the ALPN of its transports. */
import type { Any, Http2ProtocolOptions, UpstreamHttpOptions } from '../../xds/tables/messages.gen.ts';
import { UpstreamHttpOptionsTable } from '../../xds/tables/tables.gen.ts';
import type { ClusterConfig, UpstreamTls } from '../snapshot.ts';
import { decodeConfig } from './decode-config.ts';
import { HTTP2_DEFAULTS, readHttp2Options } from './http2-options.ts';
import { refuseSet, unsupported, within } from './problem.ts';

const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
/** Envoy keeps idle connections for an hour; common servers close theirs after a minute or less. */
const IDLE_MS = 15_000;
/** Hop between sidecars that carries bytes, not HTTP. */
const TCP_ALPN = 'weft-tcp';
/** HTTP/2 between sidecars whose applications speak HTTP/1.1. */
const HTTP1_APPLICATION_ALPN = 'weft-http1';

type Protocol = Pick<
  ClusterConfig,
  'protocol' | 'clearProtocol' | 'http2' | 'idleTimeoutMs' | 'maxRequestsPerConnection' | 'maxConnectionDurationMs'
>;

export function readProtocol(
  where: string,
  options: ReadonlyMap<string, Any>,
  transports: readonly (UpstreamTls | null)[],
  /** `Cluster.max_requests_per_connection`, where it stood before it moved to these options. */
  oldMaxRequests: number | undefined,
): Protocol {
  const config = options.get(HTTP_OPTIONS);
  for (const name of options.keys()) if (name !== HTTP_OPTIONS) throw unsupported(`${where}[${JSON.stringify(name)}]`);
  const speaks = (alpn: string): boolean => transports.some((tls) => tls?.alpn.includes(alpn));
  const http1 = {
    clearProtocol: 'http1',
    http2: HTTP2_DEFAULTS,
    idleTimeoutMs: IDLE_MS,
    maxRequestsPerConnection: oldMaxRequests ?? 0,
    maxConnectionDurationMs: 0,
  } as const;
  if (config === undefined) return { protocol: speaks(TCP_ALPN) ? 'tcp' : 'http1', ...http1 };
  return within(`${where}[${JSON.stringify(HTTP_OPTIONS)}]`, () => {
    const message = decodeConfig(UpstreamHttpOptionsTable, config.value);
    refuseSet('http_filters', message.httpFilters);
    const common = message.commonHttpProtocolOptions;
    refuseSet('common_http_protocol_options.max_stream_duration', common?.maxStreamDuration);
    const life = {
      idleTimeoutMs: common?.idleTimeout ?? IDLE_MS,
      maxRequestsPerConnection: common?.maxRequestsPerConnection ?? oldMaxRequests ?? 0,
      maxConnectionDurationMs: common?.maxConnectionDuration ?? 0,
    };
    const http2 = http2Options(message);
    if (http2 === undefined) return { protocol: 'http1', ...http1, ...life };
    return {
      protocol: 'http2',
      clearProtocol: speaks(HTTP1_APPLICATION_ALPN) ? 'http1' : 'http2',
      http2: readHttp2Options('explicit_http_config.http2_protocol_options', http2),
      ...life,
    };
  });
}

/** Undefined: HTTP/1.1. The ways that leave the choice to each connection are read as HTTP/1.1, which every server takes. */
function http2Options(message: UpstreamHttpOptions): Http2ProtocolOptions | undefined {
  const protocol = message.upstreamProtocolOptions;
  if (protocol.case !== 'explicitHttpConfig' || protocol.value.protocolConfig.case !== 'http2ProtocolOptions') {
    return undefined;
  }
  return protocol.value.protocolConfig.value;
}
