/** What a cluster speaks, from its HttpProtocolOptions and the ALPN of its transports. */
import type {
  Cluster,
  Http2ProtocolOptions,
  HttpProtocolOptions,
  UpstreamHttpOptions,
  UpstreamHttpProtocolOptions,
} from '../../xds/tables/messages.gen.ts';
import { Cluster_ClusterProtocolSelection as ClusterProtocolSelection } from '../../xds/tables/messages.gen.ts';
import { UpstreamHttpOptionsTable } from '../../xds/tables/tables.gen.ts';
import type { ClusterConfig, UpstreamTls } from '../snapshot.ts';
import { decodeConfig } from './decode-config.ts';
import { HTTP2_DEFAULTS, readHttp2Options } from './http2-options.ts';
import { invalid, refuseSet, unsupported, within } from './problem.ts';

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

/**
 * Of `typed_extension_protocol_options`, or else of the fields of the cluster in which the same stood before; as in Envoy
 * those count for nothing beside it.
 */
export function readProtocol(message: Cluster, transports: readonly (UpstreamTls | null)[]): Protocol {
  const where = 'typed_extension_protocol_options';
  const options = message.typedExtensionProtocolOptions;
  for (const name of options.keys()) if (name !== HTTP_OPTIONS) throw unsupported(`${where}[${JSON.stringify(name)}]`);
  const config = options.get(HTTP_OPTIONS);
  if (config === undefined) return protocolOf(readOwnFields(message), message, transports);
  return within(`${where}[${JSON.stringify(HTTP_OPTIONS)}]`, () => {
    const said = decodeConfig(UpstreamHttpOptionsTable, config.value);
    refuseSet('http_filters', said.httpFilters);
    const at = 'explicit_http_config.http2_protocol_options';
    return protocolOf({ ...said, at, http2: http2Options(said) }, message, transports);
  });
}

/** What both places say, in the words of the newer one. */
interface Said {
  readonly commonHttpProtocolOptions: HttpProtocolOptions | undefined;
  readonly upstreamHttpProtocolOptions: UpstreamHttpProtocolOptions | undefined;
  /** Where `http2` stands. */
  readonly at: string;
  readonly http2: Http2ProtocolOptions | undefined;
}

function readOwnFields(message: Cluster): Said {
  const { httpProtocolOptions, http2ProtocolOptions, protocolSelection } = message;
  const isFollowing = protocolSelection === ClusterProtocolSelection.USE_DOWNSTREAM_PROTOCOL;
  if (!isFollowing && httpProtocolOptions !== undefined && http2ProtocolOptions !== undefined) {
    throw invalid(
      'http_protocol_options',
      'stands beside http2_protocol_options, and protocol_selection does not say why',
    );
  }
  return { ...message, at: 'http2_protocol_options', http2: isFollowing ? undefined : http2ProtocolOptions };
}

function protocolOf(said: Said, message: Cluster, transports: readonly (UpstreamTls | null)[]): Protocol {
  const speaks = (alpn: string): boolean => transports.some((tls) => tls?.alpn.includes(alpn));
  const { commonHttpProtocolOptions: common, http2, at } = said;
  refuseSet('common_http_protocol_options.max_stream_duration', common?.maxStreamDuration);
  if (transports.some((tls) => tls !== null)) refuseServerNames(said.upstreamHttpProtocolOptions);
  const life = {
    idleTimeoutMs: common?.idleTimeout ?? IDLE_MS,
    // `Cluster.max_requests_per_connection` is where it stood before it moved to these options.
    maxRequestsPerConnection: common?.maxRequestsPerConnection ?? message.maxRequestsPerConnection ?? 0,
    maxConnectionDurationMs: common?.maxConnectionDuration ?? 0,
  };
  if (http2 === undefined) {
    const isTcp = message.typedExtensionProtocolOptions.size === 0 && speaks(TCP_ALPN);
    return { protocol: isTcp ? 'tcp' : 'http1', clearProtocol: 'http1', http2: HTTP2_DEFAULTS, ...life };
  }
  const clearProtocol = speaks(HTTP1_APPLICATION_ALPN) ? 'http1' : 'http2';
  return { protocol: 'http2', clearProtocol, http2: readHttp2Options(at, http2), ...life };
}

/** Connections are shared by requests for any host, so none of them can name the server. In clear text nobody is told. */
function refuseServerNames(options: UpstreamHttpProtocolOptions | undefined): void {
  refuseSet('upstream_http_protocol_options.auto_sni', options?.autoSni);
  refuseSet('upstream_http_protocol_options.auto_san_validation', options?.autoSanValidation);
}

/** Undefined: HTTP/1.1. The ways that leave the choice to each connection are read as HTTP/1.1, which every server takes. */
function http2Options(message: UpstreamHttpOptions): Http2ProtocolOptions | undefined {
  const protocol = message.upstreamProtocolOptions;
  if (protocol.case !== 'explicitHttpConfig' || protocol.value.protocolConfig.case !== 'http2ProtocolOptions') {
    return undefined;
  }
  return protocol.value.protocolConfig.value;
}
