/** Envoy's HttpConnectionManager → HttpManager. */
import type { HttpConnectionManager as Message } from '../../xds/tables/messages.gen.ts';
import {
  HttpProtocolOptions_HeadersWithUnderscoresAction as Underscores,
  HttpConnectionManager_CodecType as Codec,
  HttpConnectionManager_ForwardClientCertDetails as ClientCert,
  HttpConnectionManager_PathWithEscapedSlashesAction as EscapedSlashes,
} from '../../xds/tables/messages.gen.ts';
import { HttpConnectionManagerTable } from '../../xds/tables/tables.gen.ts';
import type { RouteTable } from '../route-table.ts';
import type { HttpManager, OriginConfig, Screening } from '../snapshot.ts';
import { ADS, type ResourceSource } from '../../xds/client/resource-source.ts';
import { readAccessLogs } from './access-log.ts';
import { readLocalReplies } from './local-reply.ts';
import { reachOf } from './reach.ts';
import { readSource } from './config-source.ts';
import { decodeConfig } from './decode-config.ts';
import { type FilterModules, readHttpFilters } from './http-filters.ts';
import { readOnDemand } from './on-demand.ts';
import { readHttp2Options } from './http2-options.ts';
import { invalid, refuseSet, unsupported } from './problem.ts';
import { MESH_TERMS, type Terms } from './terms.ts';
import { readRouteConfiguration } from './read-routes.ts';

/** Envoy's defaults, except `headers_timeout`, which it leaves unbounded: an open door for slow senders. */
const IDLE_MS = 3_600_000;
const STREAM_IDLE_MS = 300_000;
const HEADERS_MS = 60_000;
const DRAIN_MS = 5_000;
const MAX_HEAD_KIB = 60;
const MAX_FIELDS = 100;

/** Throws a WeftError with the path below the filter's `typed_config`. */
export function readHttpManager(config: Uint8Array, modules: FilterModules, terms: Terms = MESH_TERMS): HttpManager {
  const message = decodeConfig(HttpConnectionManagerTable, config);
  refuseUnsupported(message);
  // In a mesh the control plane says these for other data planes, and knows what this one does.
  if (terms.tls === 'own') refuseUnheard(message);
  const common = message.commonHttpProtocolOptions;
  return {
    kind: 'http',
    codec: readCodec(message),
    http2: readHttp2Options('http2_protocol_options', message.http2ProtocolOptions),
    statPrefix: message.statPrefix,
    routes: readRouteSpecifier(message, modules),
    routesSource: readRoutesSource(message),
    filters: readHttpFilters('http_filters', message.httpFilters, modules),
    ...readOnDemand('http_filters', message.httpFilters),
    upgrades: message.upgradeConfigs.flatMap((upgrade, i) => {
      refuseSet(`upgrade_configs[${i}].filters`, upgrade.filters);
      return upgrade.enabled === false ? [] : [upgrade.upgradeType.toLowerCase()];
    }),
    forwardClientCert: readForwardClientCert(message),
    screening: readScreening(message),
    origin: terms.tls === 'own' ? readOrigin(message) : null,
    headersTimeoutMs: message.requestHeadersTimeout ?? HEADERS_MS,
    idleTimeoutMs: common?.idleTimeout ?? IDLE_MS,
    maxConnectionDurationMs: common?.maxConnectionDuration ?? 0,
    maxRequestsPerConnection: common?.maxRequestsPerConnection ?? 0,
    maxStreamDurationMs: common?.maxStreamDuration ?? 0,
    streamIdleTimeoutMs: message.streamIdleTimeout ?? STREAM_IDLE_MS,
    maxHeadBytes: (message.maxRequestHeadersKb ?? MAX_HEAD_KIB) * 1024,
    maxFields: common?.maxHeadersCount ?? MAX_FIELDS,
    accessLogs: readAccessLogs('access_log', message.accessLog, terms),
    localReplies: readLocalReplies('local_reply_config', message.localReplyConfig, reachOf(terms)),
    traceShare: readTraceShare(message),
    drainTimeoutMs: message.drainTimeout ?? DRAIN_MS,
  };
}

function readCodec(message: Message): HttpManager['codec'] {
  switch (message.codecType) {
    case Codec.AUTO:
      return 'auto';
    case Codec.HTTP1:
      return 'http1';
    case Codec.HTTP2:
      return 'http2';
    default:
      throw unsupported('codec_type');
  }
}

function readRouteSpecifier(message: Message, modules: FilterModules): string | RouteTable {
  const specifier = message.routeSpecifier;
  switch (specifier.case) {
    case undefined:
      throw invalid('route_specifier', 'required');
    case 'rds':
      if (specifier.value.routeConfigName === '') throw invalid('rds.route_config_name', 'required');
      return specifier.value.routeConfigName;
    case 'routeConfig':
      return readRouteConfiguration('route_config', specifier.value, modules);
  }
}

/** Of a table that came inline: nowhere, which is as good as the aggregated stream. */
function readRoutesSource({ routeSpecifier }: Message): ResourceSource {
  return routeSpecifier.case === 'rds' ? readSource('rds.config_source', routeSpecifier.value.configSource) : ADS;
}

function readForwardClientCert(message: Message): HttpManager['forwardClientCert'] {
  switch (message.forwardClientCertDetails) {
    case ClientCert.SANITIZE:
      return 'sanitize';
    case ClientCert.SANITIZE_SET: {
      const details = message.setCurrentClientCertDetails;
      refuseSet('set_current_client_cert_details.cert', details?.cert);
      refuseSet('set_current_client_cert_details.chain', details?.chain);
      return 'set';
    }
    case ClientCert.ALWAYS_FORWARD_ONLY:
      return 'forward';
    default:
      throw unsupported('forward_client_cert_details');
  }
}

const ESCAPED_SLASHES: Readonly<Record<number, Screening['escapedSlashes']>> = {
  [EscapedSlashes.IMPLEMENTATION_SPECIFIC_DEFAULT]: 'keep',
  [EscapedSlashes.KEEP_UNCHANGED]: 'keep',
  [EscapedSlashes.REJECT_REQUEST]: 'reject',
  [EscapedSlashes.UNESCAPE_AND_REDIRECT]: 'redirect',
  [EscapedSlashes.UNESCAPE_AND_FORWARD]: 'forward',
};
const UNDERSCORES: Readonly<Record<number, Screening['underscores']>> = {
  [Underscores.ALLOW]: 'allow',
  [Underscores.REJECT_REQUEST]: 'reject',
  [Underscores.DROP_HEADER]: 'drop',
};

/** Null where requests are taken as they come. */
function readScreening(message: Message): Screening | null {
  const { normalizePath = false, mergeSlashes, pathWithEscapedSlashesAction: slashes } = message;
  const named = message.commonHttpProtocolOptions?.headersWithUnderscoresAction ?? Underscores.ALLOW;
  const escapedSlashes = ESCAPED_SLASHES[slashes];
  if (escapedSlashes === undefined) throw unsupported('path_with_escaped_slashes_action');
  const underscores = UNDERSCORES[named];
  if (underscores === undefined) throw unsupported('common_http_protocol_options.headers_with_underscores_action');
  // Both are allowed, and then any port goes.
  const { stripMatchingHostPort, stripPortMode } = message;
  const stripsPort = stripPortMode.value === true ? 'any' : stripMatchingHostPort ? 'matching' : 'none';
  const isAsItCame = !normalizePath && !mergeSlashes && escapedSlashes === 'keep';
  if (isAsItCame && underscores === 'allow' && stripsPort === 'none') return null;
  return { normalizesPath: normalizePath, mergesSlashes: mergeSlashes, escapedSlashes, stripsPort, underscores };
}

/** Unset, `use_remote_address` is false: another proxy stands before this one. */
function readOrigin({ useRemoteAddress = false, skipXffAppend, preserveExternalRequestId }: Message): OriginConfig {
  return {
    isEdge: useRemoteAddress,
    appendsAddress: useRemoteAddress && !skipXffAppend,
    keepsRequestId: preserveExternalRequestId,
  };
}

/** Envoy's `random_sampling` is a percentage and defaults to all; without `tracing` we still take part in traces. */
function readTraceShare({ tracing }: Message): number {
  const percent = tracing?.randomSampling?.value ?? 100;
  if (!(percent >= 0 && percent <= 100))
    throw invalid('tracing.random_sampling.value', `${percent} is not a percentage`);
  return percent / 100;
}

/** What would be expected of a proxy on its own and is not done. */
function refuseUnheard(message: Message): void {
  if (message.xffNumTrustedHops !== 0) throw unsupported('xff_num_trusted_hops');
  refuseSet('via', message.via);
  refuseSet('server_name', message.serverName);
  if (message.serverHeaderTransformation !== 0) throw unsupported('server_header_transformation');
  refuseSet('always_set_request_id_in_response', message.alwaysSetRequestIdInResponse);
  if (message.generateRequestId === false) throw unsupported('generate_request_id');
}

function refuseUnsupported(message: Message): void {
  if ((message.requestTimeout ?? 0) > 0) throw unsupported('request_timeout');
}
