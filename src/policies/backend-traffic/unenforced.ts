/** What of a policy's sections a kind of proxy does not enforce. Envoy lacks three things; gRPC clients know a part of each section. */
import type { ProxyKind } from '../../api/kinds/workload.ts';
import type { BackendTrafficSpec } from './kind.ts';

/** Field names; empty: all of it is enforced. */
export function gapsOf(spec: BackendTrafficSpec, proxy: ProxyKind): readonly string[] {
  if (proxy === 'envoy') return namesOf(envoyLacks(spec));
  return proxy === 'grpc' ? namesOf(grpcLacks(spec)) : [];
}

function envoyLacks({ loadBalancing, hedge, timeouts }: BackendTrafficSpec): Readonly<Record<string, boolean>> {
  return {
    'loadBalancing.algorithm PeakEwma': loadBalancing?.algorithm === 'PeakEwma',
    'hedge.initialRequests': (hedge?.initialRequests ?? 1) > 1,
    'timeouts.request beside maxDuration': timeouts?.request !== undefined && timeouts.maxDuration !== undefined,
  };
}

/** As `control/generate/grpc` narrows what is compiled: gRFC A31, A32, A42, A44, A50. */
function grpcLacks(spec: BackendTrafficSpec): Readonly<Record<string, boolean>> {
  const { loadBalancing, locality, outlierDetection, limits, timeouts, retry } = spec;
  const { algorithm = 'RoundRobin' } = loadBalancing ?? {};
  return {
    [`loadBalancing.algorithm ${algorithm}`]: algorithm === 'PeakEwma' || algorithm === 'Random',
    'loadBalancing.slowStart': loadBalancing?.slowStart !== undefined,
    'loadBalancing.hashOn of cookies and parameters':
      loadBalancing?.hashOn?.some(({ type }) => type === 'Cookie' || type === 'QueryParameter') === true,
    'locality.mode ZoneAware': locality?.mode === 'ZoneAware',
    'outlierDetection but for successRate and failurePercentage': beyond(outlierDetection, OUTLIERS),
    healthCheck: spec.healthCheck !== undefined,
    'limits but for requests': beyond(limits, ['requests']),
    connection: spec.connection !== undefined,
    'timeouts but for request and maxDuration': beyond(timeouts, ['request', 'maxDuration']),
    'retry.on but for gRPC statuses': retry?.on?.some((condition) => !GRPC_STATUSES.includes(condition)) === true,
    'retry.statuses': retry?.statuses !== undefined,
    'retry.retryAfter': retry?.retryAfter !== undefined,
    'retry.maxBodyBytes': retry?.maxBodyBytes !== undefined,
    hedge: spec.hedge !== undefined,
  };
}

const GRPC_STATUSES: readonly string[] = [
  'cancelled',
  'deadline-exceeded',
  'internal',
  'resource-exhausted',
  'unavailable',
];

const OUTLIERS = [
  'interval',
  'baseEjectionTime',
  'maxEjectionTime',
  'maxEjectionPercent',
  'successRate',
  'failurePercentage',
];

function beyond(section: object | undefined, known: readonly string[]): boolean {
  return Object.keys(section ?? {}).some((field) => !known.includes(field));
}

function namesOf(lacks: Readonly<Record<string, boolean>>): string[] {
  return Object.keys(lacks).filter((name) => lacks[name]);
}
