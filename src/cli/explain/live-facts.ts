/** What a running proxy says of its clusters (`/weft/clusters` of its admin endpoint), in the words of an explanation. */
import type { LiveFacts } from '../../snapshot/explain.ts';

/** The admin endpoint's `/weft/clusters`, as far as it is read here. */
export interface LiveCluster {
  readonly name: string;
  readonly limits: readonly {
    readonly name: string;
    readonly max: number;
    readonly used: number;
    readonly refused: number;
  }[];
  readonly endpoints: readonly LiveEndpoint[];
}

interface LiveEndpoint {
  readonly key: string;
  readonly fault: string;
  /** For how much longer it is out; 0: until something happens. */
  readonly outMs: number;
  /** What peak EWMA expects of it; null: another policy, which measures nothing. */
  readonly latencyMs: number | null;
  readonly active: number;
  readonly requests: number;
  readonly failures: number;
}

const NOTHING: LiveFacts = { clusterState: () => '', endpointFault: () => null, endpointState: () => '' };

/** null: the proxy did not say. */
export function liveFacts(clusters: readonly LiveCluster[] | null): LiveFacts {
  if (clusters === null) return NOTHING;
  const clusterOf = new Map(clusters.map((cluster) => [cluster.name, cluster]));
  const endpointOf = new Map(
    clusters.flatMap(({ name, endpoints }) => endpoints.map((endpoint) => [`${name} ${endpoint.key}`, endpoint])),
  );
  return {
    clusterState(name) {
      const cluster = clusterOf.get(name);
      return cluster === undefined ? '' : limitsText(cluster);
    },
    endpointFault(cluster, key) {
      const { fault = '', outMs = 0 } = endpointOf.get(`${cluster} ${key}`) ?? {};
      if (fault === '') return null;
      return outMs > 0 ? `${fault}, for ${Math.ceil(outMs / 1000)} s more` : fault;
    },
    endpointState(cluster, key) {
      const endpoint = endpointOf.get(`${cluster} ${key}`);
      return endpoint === undefined ? '' : workText(endpoint);
    },
  };
}

function limitsText({ limits }: LiveCluster): string {
  const used = limits.filter((limit) => limit.used > 0).map(({ name, used, max }) => `${name} ${used} of ${max}`);
  const fired = limits.filter((limit) => limit.refused > 0).map(({ name, refused }) => `${name} refused ${refused}`);
  return [...used, ...fired].join(', ');
}

function workText({ active, requests, failures, latencyMs }: LiveEndpoint): string {
  return [
    `${active} in flight`,
    `${requests} so far`,
    failures > 0 ? `${failures} failed` : '',
    latencyMs === null ? '' : `answers within ${latencyMs.toPrecision(2)} ms`,
  ]
    .filter((part) => part !== '')
    .join(', ');
}
