/**
 * The routes of one port of a Service, for callers of one namespace: its HTTPRoutes in order, or all to the Service
 * itself. Each becomes two where methods differ in what may be retried: every data plane retries by route.
 */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { originOf } from '../../../api/origin.ts';
import type { Reader, View } from '../../../api/reader.ts';
import type { Origin } from '../../../api/resource.ts';
import { policyKinds } from '../../../policies/all.ts';
import type { RouteDraft, ServicePortRef } from '../../../policies/policy-kind.ts';
import {
  type Route,
  RouteAction_ClusterNotFoundResponseCode,
  type RouteActionSchema,
  RouteSchema,
} from '../../../protos/gen/envoy/config/route/v3/route_components_pb.ts';
import { clusterName, connectName, hostOf } from '../names.ts';
import { metadata, originText } from '../origin.ts';
import { durationOf } from '../../../protos/init.ts';
import { servicePortFacts } from '../service-port.ts';
import { attachedHttpRoutes } from './attached.ts';
import { type BackendKey, carriedTo, type WeightedBackend, weightedBackends } from './backends.ts';
import { type HttpRoutesKey, routesKeyText } from './caller.ts';
import { CONNECT_MATCH, idempotence, routeMatch } from './http-match.ts';
import { type RankedMatch, rankedMatches } from './precedence.ts';

type RouteActionInit = MessageInitShape<typeof RouteActionSchema>;

export interface HttpRoutesView {
  readonly routes: readonly Route[];
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
    const setting: Setting = { read, origins: [], port: { ...key, portName: facts.portName } };
    const tunnel = create(RouteSchema, {
      name: `${hostOf(key)}:${key.port} connect`,
      match: CONNECT_MATCH,
      action: { case: 'route', value: connectAction(connectName(key)) },
    });
    if (attached.length === 0) {
      const origin = originOf(facts.service);
      const carries = carriedTo(facts.protocol, key.version);
      const own = { cluster: clusterName(carries, key), weight: 1, key: { ...setting.port, carries } };
      const routes = forwards(setting, {}, hostOf(key), origin, [own], null);
      return { routes: [tunnel, ...routes], backends: [own.key], origins: distinct([origin, ...setting.origins]) };
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
      return ruleRoutes(setting, ranked, weighted);
    });
    return {
      routes: [tunnel, ...routes],
      backends: [...backends.values()],
      origins: distinct([...attached.map((route) => originOf(route)), ...setting.origins]),
    };
  },
  same: (a, b) => a === b,
};

/** Apart from the routes, because users of the port need other resources only when these change. */
export const routeBackends: View<HttpRoutesKey, readonly BackendKey[]> = {
  name: 'route-backends',
  id: routesKeyText,
  derive: (read, key) => read.view(httpRoutes, key).backends,
  same: (a, b) => JSON.stringify(a) === JSON.stringify(b),
};

/** What generation of one port's routes needs throughout. */
interface Setting {
  readonly read: Reader;
  /** Of what took part, added as it is read. */
  readonly origins: Origin[];
  readonly port: ServicePortRef;
}

function ruleRoutes(setting: Setting, ranked: RankedMatch, weighted: readonly WeightedBackend[]): Route[] {
  const { route, rule, ruleIndex } = ranked;
  const name = `${route.metadata.namespace ?? ''}/${route.metadata.name}/${rule.name ?? ruleIndex}`;
  const origin = originOf(route, `spec.rules[${ruleIndex}]`);
  return forwards(setting, ranked.match, name, origin, weighted, { route, rule });
}

function forwards(
  { read, port, origins }: Setting,
  match: RankedMatch['match'],
  name: string,
  origin: Origin,
  weighted: readonly WeightedBackend[],
  source: RouteDraft['source'],
): Route[] {
  const about = metadata({ origin: originText(origin) });
  const backends = weighted.flatMap(({ key }) => (key === null ? [] : [key]));
  const entry = (idempotent: boolean, suffix: string): Route => {
    const message = create(RouteSchema, {
      name: `${name}${suffix}`,
      match: routeMatch(match, idempotent),
      metadata: about,
      action:
        weighted.length === 0
          ? { case: 'directResponse', value: { status: 500 } }
          : { case: 'route', value: forwardAction(weighted) },
    });
    for (const kind of policyKinds) kind.route?.({ message, port, backends, idempotent, source, origins }, read);
    return message;
  };
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

function distinct(origins: readonly Origin[]): Origin[] {
  return [...new Map(origins.map((origin) => [originText(origin), origin])).values()];
}

function forwardAction(weighted: readonly WeightedBackend[]): RouteActionInit {
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
  };
}

export function connectAction(cluster: string): RouteActionInit {
  return {
    clusterSpecifier: { case: 'cluster', value: cluster },
    timeout: durationOf(0),
    upgradeConfigs: [{ upgradeType: 'CONNECT', connectConfig: {} }],
  };
}
