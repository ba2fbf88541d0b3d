/**
 * One route of a sidecar → the routes that say the same to a gRPC client, or none: a call is always a POST, prefixes know
 * no segments, one limit bounds a call, and only a status of gRPC is retried.
 */
import { create } from '@bufbuild/protobuf';
import { type Duration, DurationSchema } from '@bufbuild/protobuf/wkt';
import {
  type HeaderMatcher,
  type RetryPolicy,
  RetryPolicySchema,
  type Route,
  type RouteAction,
  RouteAction_HashPolicySchema,
  RouteAction_MaxStreamDurationSchema,
  RouteActionSchema,
  type RouteMatch,
  RouteMatchSchema,
  RouteSchema,
  type WeightedCluster,
  WeightedClusterSchema,
} from '../../../protos/gen/envoy/config/route/v3/route_components_pb.ts';
import { INVALID_BACKEND } from '../names.ts';
import { variantsOf } from './narrow-faults.ts';

const METHOD = 'POST';
/** gRFC A44: the words of `retry_on` that clients know. */
const RETRIABLE = new Set(['cancelled', 'deadline-exceeded', 'internal', 'resource-exhausted', 'unavailable']);
/** gRFC A42: stands for the client where Envoy would hash its address. */
const CHANNEL_ID = 'io.grpc.channel_id';

/** `clusters`: the gRPC cluster of each that the route may name; another one fails calls. */
export function narrowRoute(route: Route, clusters: ReadonlyMap<string, string>): Route[] {
  const action = narrowAction(route, clusters);
  const match = route.match;
  if (action === null || match === undefined) return [];
  const headers = match.headers.filter(({ name }) => name !== ':method');
  if (!match.headers.every((header) => header.name !== ':method' || allowsPost(header))) return [];
  const { name, metadata } = route;
  return variantsOf(route.typedPerFilterConfig).flatMap((variant) =>
    pathsOf(match).map((pathSpecifier) => {
      const narrowed = create(RouteSchema, {
        name,
        match: create(RouteMatchSchema, { pathSpecifier, headers: [...headers, ...variant.headers] }),
        action: { case: 'route', value: action },
        typedPerFilterConfig: variant.typedPerFilterConfig,
      });
      if (metadata !== undefined) narrowed.metadata = metadata;
      return narrowed;
    }),
  );
}

function allowsPost({ headerMatchSpecifier: specifier }: HeaderMatcher): boolean {
  if (specifier.case !== 'stringMatch') return false;
  const pattern = specifier.value.matchPattern;
  if (pattern.case === 'exact') return pattern.value === METHOD;
  return pattern.case === 'safeRegex' && pattern.value.regex.split('|').includes(METHOD);
}

function pathsOf({ pathSpecifier: path }: RouteMatch): RouteMatch['pathSpecifier'][] {
  if (path.case === 'pathSeparatedPrefix') {
    return [
      { case: 'path', value: path.value },
      { case: 'prefix', value: `${path.value}/` },
    ];
  }
  // CONNECT is for proxies.
  return path.case === 'path' || path.case === 'prefix' || path.case === 'safeRegex' ? [path] : [];
}

function narrowAction({ action }: Route, clusters: ReadonlyMap<string, string>): RouteAction | null {
  // Gateway API: a rule without backends fails what it matches. gRPC knows no other answer than that of a cluster.
  if (action.case === 'directResponse') return toCluster(INVALID_BACKEND);
  if (action.case !== 'route') return null;
  const { clusterSpecifier: written, timeout, maxStreamDuration, retryPolicy, hashPolicy } = action.value;
  const renamed = (name: string): string => clusters.get(name) ?? INVALID_BACKEND;
  const narrowed = create(RouteActionSchema);
  if (written.case === 'cluster') narrowed.clusterSpecifier = { case: 'cluster', value: renamed(written.value) };
  else if (written.case === 'weightedClusters') {
    const shares = summed(written.value, renamed);
    narrowed.clusterSpecifier = {
      case: 'weightedClusters',
      value: create(WeightedClusterSchema, { clusters: shares }),
    };
  } else return null;
  const limit = shorter(timeout, maxStreamDuration?.maxStreamDuration);
  if (limit !== null) {
    narrowed.maxStreamDuration = create(RouteAction_MaxStreamDurationSchema, { maxStreamDuration: limit });
  }
  const retries = retryPolicy === undefined ? null : narrowRetries(retryPolicy);
  if (retries !== null) narrowed.retryPolicy = retries;
  narrowed.hashPolicy = hashPolicy.flatMap(narrowHash);
  return narrowed;
}

/** grpc-go keeps shares by cluster: of two to the same one it would forget the first. */
function summed({ clusters }: WeightedCluster, renamed: (name: string) => string): { name: string; weight: number }[] {
  const weights = new Map<string, number>();
  for (const { name, weight = 0 } of clusters) {
    weights.set(renamed(name), (weights.get(renamed(name)) ?? 0) + weight);
  }
  return [...weights].map(([name, weight]) => ({ name, weight }));
}

function toCluster(name: string): RouteAction {
  return create(RouteActionSchema, { clusterSpecifier: { case: 'cluster', value: name } });
}

/** The shorter of two limits, of which zero and unset are none. null: none. */
function shorter(a: Duration | undefined, b: Duration | undefined): Duration | null {
  const limits = [a, b].filter((each) => each !== undefined).filter((each) => nanosOf(each) > 0n);
  const [first, second] = limits.toSorted((x, y) => (nanosOf(x) < nanosOf(y) ? -1 : 1));
  const limit = first ?? second;
  return limit === undefined ? null : create(DurationSchema, { seconds: limit.seconds, nanos: limit.nanos });
}

function nanosOf({ seconds, nanos }: Duration): bigint {
  return seconds * 1_000_000_000n + BigInt(nanos);
}

/** Clients refuse zero retries and a back-off without a base. What was never sent they send again by themselves (A6). */
function narrowRetries({ retryOn, numRetries, retryBackOff }: RetryPolicy): RetryPolicy | null {
  const conditions = retryOn.split(',').filter((condition) => RETRIABLE.has(condition));
  if (conditions.length === 0 || numRetries === 0) return null;
  const narrowed = create(RetryPolicySchema, { retryOn: conditions.join(',') });
  if (numRetries !== undefined) narrowed.numRetries = numRetries;
  if (retryBackOff?.baseInterval !== undefined) narrowed.retryBackOff = retryBackOff;
  return narrowed;
}

function narrowHash(policy: RouteAction['hashPolicy'][number]): RouteAction['hashPolicy'] {
  if (policy.policySpecifier.case === 'header') return [policy];
  if (policy.policySpecifier.case !== 'connectionProperties') return [];
  return [
    create(RouteAction_HashPolicySchema, {
      policySpecifier: { case: 'filterState', value: { key: CHANNEL_ID } },
      terminal: policy.terminal,
    }),
  ];
}
