/** Envoy's route actions → RouteAction. What it cannot do is refused: dropping it would change requests. */
import type { DirectResponseAction, Route, RouteAction as Message } from '../../xds/tables/messages.gen.ts';
import { RouteAction_ClusterNotFoundResponseCode as NotFound } from '../../xds/tables/messages.gen.ts';
import { textOf } from '../../core/bytes.ts';
import { FieldName } from '../../http/field-name.ts';
import type { RetryPolicy } from '../retry-policy.ts';
import type { MirrorPolicy } from '../mirror-policy.ts';
import type { HostRewrite, PathRewrite } from '../route-edits.ts';
import type { ForwardAction, HedgePolicy, RouteAction, WeightedCluster } from '../route-table.ts';
import { readHashPolicies } from './hash-policy.ts';
import { readHedgePolicy } from './hedge-policy.ts';
import { readMirrors } from './mirror-policies.ts';
import { invalid, unsupported, within } from './problem.ts';
import { matchedLength, readRedirect } from './redirect.ts';
import { readSubsetMatch } from './read-subsets.ts';
import { readRetryPolicy } from './retry-policy.ts';
import { readSubstitution } from './substitution.ts';
import { checkWeights } from './weighted-clusters.ts';

/** Envoy's `RouteAction.timeout` where it is not said. */
const TIMEOUT_MS = 15_000;
const CONNECT = 'connect';

/** Envoy's buffers hold 1 MiB where nobody says less; ours as much as one read. */
const MAX_REPLAY_BYTES = 65_536;

/** What the virtual host says for all its routes. */
export interface HostDefaults {
  readonly retry: RetryPolicy | null;
  readonly hedge: HedgePolicy | null;
  /** undefined: not said. */
  readonly bufferBytes: number | undefined;
  readonly mirrors: readonly MirrorPolicy[];
  readonly countsTries: boolean;
  readonly tellsTries: boolean;
  /** Of a direct response. */
  readonly maxDirectBytes: number;
}

export function readRouteAction(where: string, route: Route, host: HostDefaults): RouteAction {
  const action = route.action;
  switch (action.case) {
    case 'route':
      return {
        ...readForward(`${where}.route`, action.value, host, route.perRequestBufferLimitBytes ?? host.bufferBytes),
        path: readPathRewrite(`${where}.route`, action.value, route.match),
      };
    case 'directResponse':
      return readDirect(`${where}.direct_response`, action.value, host.maxDirectBytes);
    case 'redirect':
      return { kind: 'redirect', ...readRedirect(`${where}.redirect`, action.value, route.match) };
    case 'nonForwardingAction':
      throw unsupported(`${where}.non_forwarding_action`);
    case undefined:
      throw invalid(`${where}.action`, 'required');
  }
}

function readForward(
  where: string,
  message: Message,
  host: HostDefaults,
  bufferBytes: number | undefined,
): ForwardAction {
  if (message.priority !== 0) throw unsupported(`${where}.priority`);
  const clusters = readClusters(where, message);
  const upgrades = readUpgrades(`${where}.upgrade_configs`, message);
  const barredUpgrades = message.upgradeConfigs.filter(isOff).map(protocolOf);
  return {
    kind: 'forward',
    clusters,
    totalWeight: clusters.reduce((sum, cluster) => sum + cluster.weight, 0),
    timeoutMs: message.timeout ?? TIMEOUT_MS,
    retry:
      message.retryPolicy === undefined ? host.retry : readRetryPolicy(`${where}.retry_policy`, message.retryPolicy),
    notFoundStatus: readNotFound(`${where}.cluster_not_found_response_code`, message.clusterNotFoundResponseCode),
    upgrades,
    barredUpgrades,
    connect: upgrades.includes(CONNECT) && message.upgradeConfigs.some(endsConnect),
    idleTimeoutMs: message.idleTimeout ?? null,
    maxDurationMs: message.maxStreamDuration?.maxStreamDuration ?? null,
    maxGrpcTimeoutMs: message.maxStreamDuration?.grpcTimeoutHeaderMax ?? 0,
    grpcTimeoutOffsetMs: message.maxStreamDuration?.grpcTimeoutHeaderOffset ?? 0,
    hedge:
      message.hedgePolicy === undefined ? host.hedge : readHedgePolicy(`${where}.hedge_policy`, message.hedgePolicy),
    hash: readHashPolicies(`${where}.hash_policy`, message.hashPolicy),
    path: null,
    host: readHostRewrite(where, message),
    forwardsHost: message.appendXForwardedHost,
    countsTries: host.countsTries,
    tellsTries: host.tellsTries,
    maxReplayBytes: bufferBytes ?? MAX_REPLAY_BYTES,
    mirrors: readMirrors(`${where}.request_mirror_policies`, message.requestMirrorPolicies, host.mirrors),
  };
}

function readPathRewrite(
  where: string,
  { prefixRewrite: to, regexRewrite }: Message,
  match: Route['match'],
): PathRewrite | null {
  if (regexRewrite === undefined) return to === '' ? null : { kind: 'matched', to, matched: matchedLength(match) };
  if (to !== '') throw invalid(`${where}.regex_rewrite`, 'excludes prefix_rewrite');
  return { kind: 'regex', regex: readSubstitution(`${where}.regex_rewrite`, regexRewrite) };
}

function readHostRewrite(where: string, { hostRewriteSpecifier: host }: Message): HostRewrite | null {
  switch (host.case) {
    case undefined:
      return null;
    case 'hostRewriteLiteral':
      return host.value === '' ? null : { kind: 'literal', value: host.value };
    case 'hostRewriteHeader':
      return { kind: 'field', name: within(`${where}.host_rewrite_header`, () => new FieldName(host.value)) };
    case 'autoHostRewrite':
      return host.value ? { kind: 'endpoint' } : null;
    case 'hostRewritePathRegex':
      return { kind: 'path', regex: readSubstitution(`${where}.host_rewrite_path_regex`, host.value) };
  }
}

function readClusters(where: string, message: Message): readonly WeightedCluster[] {
  const specifier = message.clusterSpecifier;
  switch (specifier.case) {
    case 'cluster':
      return checkWeights(`${where}.cluster`, [
        { name: specifier.value, header: null, weight: 1, subset: readSubsetMatch(message.metadataMatch, undefined) },
      ]);
    case 'weightedClusters': {
      const at = `${where}.weighted_clusters.clusters`;
      const clusters = specifier.value.clusters.map((cluster, i) => {
        if (cluster.name !== '' && cluster.clusterHeader !== '') {
          throw invalid(`${at}[${i}]`, 'name and cluster_header exclude each other');
        }
        const header =
          cluster.clusterHeader === '' ? null : readClusterHeader(`${at}[${i}].cluster_header`, cluster.clusterHeader);
        const subset = readSubsetMatch(message.metadataMatch, cluster.metadataMatch);
        return { name: cluster.name, header, weight: cluster.weight ?? 0, subset };
      });
      return checkWeights(at, clusters);
    }
    case 'clusterHeader':
      return [
        {
          name: '',
          header: readClusterHeader(`${where}.cluster_header`, specifier.value),
          weight: 1,
          subset: readSubsetMatch(message.metadataMatch, undefined),
        },
      ];
    case undefined:
      throw invalid(`${where}.cluster_specifier`, 'required');
  }
}

function readClusterHeader(where: string, name: string): FieldName {
  if (name.startsWith(':')) throw unsupported(where, 'only fields, no pseudo-headers');
  return within(where, () => new FieldName(name));
}

function readUpgrades(where: string, message: Message): readonly string[] {
  return message.upgradeConfigs.flatMap((upgrade, i) => {
    if (isOff(upgrade)) return [];
    if (endsConnect(upgrade) && upgrade.connectConfig?.allowPost)
      throw unsupported(`${where}[${i}].connect_config.allow_post`);
    return protocolOf(upgrade);
  });
}

type Upgrade = Message['upgradeConfigs'][number];

function protocolOf({ upgradeType }: Upgrade): string {
  return upgradeType.toLowerCase();
}

function isOff({ enabled }: Upgrade): boolean {
  return enabled === false;
}

/** The tunnel ends here, instead of going on as one. */
function endsConnect(upgrade: Upgrade): boolean {
  return protocolOf(upgrade) === CONNECT && upgrade.connectConfig !== undefined;
}

function readNotFound(where: string, code: number): number {
  switch (code) {
    case NotFound.SERVICE_UNAVAILABLE:
      return 503;
    case NotFound.NOT_FOUND:
      return 404;
    case NotFound.INTERNAL_SERVER_ERROR:
      return 500;
    default:
      throw unsupported(where);
  }
}

function readDirect(where: string, message: DirectResponseAction, maxBytes: number): RouteAction {
  if (message.status < 200 || message.status > 599)
    throw invalid(`${where}.status`, `${message.status} is no final status`);
  const body = message.body?.specifier;
  if (body?.case === undefined) return { kind: 'direct', status: message.status, body: '' };
  const { length } = Buffer.from(body.value);
  if (length > maxBytes) throw invalid(`${where}.body`, `has ${length} bytes of ${maxBytes} that a table allows`);
  switch (body.case) {
    case 'inlineString':
      return { kind: 'direct', status: message.status, body: body.value };
    case 'inlineBytes':
      return { kind: 'direct', status: message.status, body: textOf(body.value) };
    default:
      throw unsupported(`${where}.body.${body.case === 'filename' ? 'filename' : 'environment_variable'}`);
  }
}
