/**
 * The routes of one port of a Service, for callers of one namespace: its HTTPRoutes in order, or all to the Service
 * itself. Each becomes two where methods differ in what may be retried: every data plane retries by route.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { parseGatewayDuration } from '../../../core/durations.ts';
import { originOf } from '../../../api/origin.ts';
import type { View } from '../../../api/reader.ts';
import type { Origin } from '../../../api/resource.ts';
import {
  RouteAction_ClusterNotFoundResponseCode,
  type RouteActionSchema,
  type RouteSchema,
} from '../../../protos/gen/envoy/config/route/v3/route_components_pb.ts';
import { clusterName, connectName, hostOf } from '../names.ts';
import { metadata, originText } from '../origin.ts';
import { durationOf } from '../resource.ts';
import { servicePortFacts } from '../service-port.ts';
import { attachedHttpRoutes } from './attached.ts';
import { type BackendKey, carriedTo, type WeightedBackend, weightedBackends } from './backends.ts';
import { type HttpRoutesKey, routesKeyText } from './caller.ts';
import { CONNECT_MATCH, idempotence, routeMatch } from './http-match.ts';
import { type RankedMatch, rankedMatches } from './precedence.ts';
import { retryPolicy } from './retry.ts';

export type RouteInit = MessageInitShape<typeof RouteSchema>;
type RouteActionInit = MessageInitShape<typeof RouteActionSchema>;

export interface HttpRoutesView {
  readonly routes: readonly RouteInit[];
  /** The backends that the routes name, for the clusters that their users need. */
  readonly backends: readonly BackendKey[];
  readonly origins: readonly Origin[];
}

export const httpRoutes: View<HttpRoutesKey, HttpRoutesView> = {
  name: 'http-routes',
  id: routesKeyText,
  derive(read, key) {
    const facts = read.view(servicePortFacts, key);
    if (facts === null) return { routes: [], backends: [], origins: [] };
    const attached = attachedHttpRoutes(read, key, facts.portName, key.caller);
    const tunnel: RouteInit = {
      name: `${hostOf(key)}:${key.port} connect`,
      match: CONNECT_MATCH,
      action: { case: 'route', value: connectAction(connectName(key)) },
    };
    if (attached.length === 0) {
      const origin = originOf(facts.service);
      const carries = carriedTo(facts.protocol, key.version);
      const own = { cluster: clusterName(carries, key), weight: 1, key: { ...key, carries } };
      const routes = forwards({}, hostOf(key), origin, [own], 0, 0);
      return { routes: [tunnel, ...routes], backends: [own.key], origins: [origin] };
    }
    const backends = new Map<string, BackendKey>();
    const routes = rankedMatches(attached).flatMap((ranked) => {
      const weighted = weightedBackends(
        read,
        ranked.rule.backendRefs ?? [],
        ranked.route.metadata.namespace ?? '',
        key,
        key.version,
      );
      for (const backend of weighted) if (backend.key !== null) backends.set(backend.cluster, backend.key);
      return ruleRoutes(ranked, weighted);
    });
    return {
      routes: [tunnel, ...routes],
      backends: [...backends.values()],
      origins: attached.map((route) => originOf(route)),
    };
  },
  same: (a, b) => a === b,
};

function ruleRoutes(ranked: RankedMatch, weighted: readonly WeightedBackend[]): RouteInit[] {
  const { route, rule, ruleIndex } = ranked;
  const name = `${route.metadata.namespace ?? ''}/${route.metadata.name}/${rule.name ?? ruleIndex}`;
  const origin = originOf(route, `spec.rules[${ruleIndex}]`);
  const timeoutMs = durationMs(rule.timeouts?.request);
  const tryMs = durationMs(rule.timeouts?.backendRequest);
  return forwards(ranked.match, name, origin, weighted, timeoutMs, tryMs);
}

/** 0 for unset: no limit. Validation has refused what does not parse. */
function durationMs(text: string | undefined): number {
  return text === undefined ? 0 : (parseGatewayDuration(text) ?? 0);
}

function forwards(
  match: RankedMatch['match'],
  name: string,
  origin: Origin,
  weighted: readonly WeightedBackend[],
  timeoutMs: number,
  tryMs: number,
): RouteInit[] {
  const about = metadata({ origin: originText(origin) });
  const entry = (idempotent: boolean, suffix: string): RouteInit => ({
    name: `${name}${suffix}`,
    match: routeMatch(match, idempotent),
    metadata: about,
    action:
      weighted.length === 0
        ? { case: 'directResponse', value: { status: 500 } }
        : { case: 'route', value: forwardAction(weighted, timeoutMs, tryMs, idempotent) },
  });
  if (weighted.length === 0) return [entry(false, '')];
  switch (idempotence(match)) {
    case 'always':
      return [entry(true, '')];
    case 'never':
      return [entry(false, '')];
    default:
      return [entry(true, ''), entry(false, ' (not idempotent)')];
  }
}

function forwardAction(
  weighted: readonly WeightedBackend[],
  timeoutMs: number,
  tryMs: number,
  idempotent: boolean,
): RouteActionInit {
  const [first] = weighted;
  return {
    clusterSpecifier:
      weighted.length === 1 && first !== undefined
        ? { case: 'cluster', value: first.cluster }
        : {
            case: 'weightedClusters',
            value: { clusters: weighted.map(({ cluster, weight }) => ({ name: cluster, weight })) },
          },
    clusterNotFoundResponseCode: RouteAction_ClusterNotFoundResponseCode.INTERNAL_SERVER_ERROR,
    // Said even when zero: unset would be Envoy's 15 seconds.
    timeout: durationOf(timeoutMs),
    retryPolicy: retryPolicy(idempotent, tryMs),
  };
}

export function connectAction(cluster: string): RouteActionInit {
  return {
    clusterSpecifier: { case: 'cluster', value: cluster },
    timeout: durationOf(0),
    upgradeConfigs: [{ upgradeType: 'CONNECT', connectConfig: {} }],
  };
}
