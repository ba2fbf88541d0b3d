/** What a cluster speaks, from its HttpProtocolOptions and the ALPN of its transports. */
import type { Any } from '../../xds/tables/messages.gen.ts';
import { UpstreamHttpOptionsTable } from '../../xds/tables/tables.gen.ts';
import type { ClusterConfig, UpstreamTls } from '../snapshot.ts';
import { decodeConfig } from './decode-config.ts';
import { refuseSet, unsupported, within } from './problem.ts';

const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
/** Envoy keeps idle connections for an hour; common servers close theirs after a minute or less. */
const IDLE_MS = 15_000;
/** Hop between sidecars that carries bytes, not HTTP. */
const TCP_ALPN = 'weft-tcp';

type Protocol = Pick<ClusterConfig, 'protocol' | 'idleTimeoutMs'>;

export function readProtocol(
  where: string,
  options: ReadonlyMap<string, Any>,
  transports: readonly (UpstreamTls | null)[],
): Protocol {
  const config = options.get(HTTP_OPTIONS);
  for (const name of options.keys()) if (name !== HTTP_OPTIONS) throw unsupported(`${where}[${JSON.stringify(name)}]`);
  if (config === undefined) {
    const tcp = transports.some((tls) => tls?.alpn.includes(TCP_ALPN));
    return { protocol: tcp ? 'tcp' : 'http1', idleTimeoutMs: IDLE_MS };
  }
  return within(`${where}[${JSON.stringify(HTTP_OPTIONS)}]`, () => readHttpOptions(config.value));
}

function readHttpOptions(config: Uint8Array): Protocol {
  const message = decodeConfig(UpstreamHttpOptionsTable, config);
  refuseSet('http_filters', message.httpFilters);
  const protocol = message.upstreamProtocolOptions;
  if (protocol.case === 'explicitHttpConfig' && protocol.value.protocolConfig.case === 'http2ProtocolOptions') {
    throw unsupported('explicit_http_config.http2_protocol_options');
  }
  const common = message.commonHttpProtocolOptions;
  refuseSet('common_http_protocol_options.max_connection_duration', common?.maxConnectionDuration);
  refuseSet('common_http_protocol_options.max_requests_per_connection', common?.maxRequestsPerConnection);
  return { protocol: 'http1', idleTimeoutMs: common?.idleTimeout ?? IDLE_MS };
}
