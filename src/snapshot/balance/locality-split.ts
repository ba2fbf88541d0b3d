/** How the requests of one priority are spread over its localities, by the rules of Envoy's load balancer. */
import type { LocalityMode, SpreadPolicy } from '../balance-config.ts';
import type { Locality } from '../snapshot.ts';
import type { BalanceHost } from './balancer.ts';
import type { OwnZone } from './own-zone.ts';

/** Envoy's default for `min_cluster_size`. */
const MIN_ZONED_HOSTS = 6;

export interface LocalityCount {
  readonly locality: Locality;
  readonly hosts: number;
  readonly healthyHosts: number;
}

/** Shares by locality that sum to 1; null: localities are disregarded. */
export function splitOverLocalities(
  mode: LocalityMode,
  counts: readonly LocalityCount[],
  priority: number,
  spread: SpreadPolicy,
  own: OwnZone | null,
): readonly number[] | null {
  switch (mode.kind) {
    case 'none':
      // Who names the cluster of the callers means it for all clusters that say nothing else (Envoy: `local_cluster_name`).
      return own === null || own.callers === null ? null : byZone(MIN_ZONED_HOSTS, counts, priority, own);
    case 'weighted':
      return byWeight(counts, priority, spread);
    case 'zone-aware':
      return byZone(mode.minClusterSize, counts, priority, own);
  }
}

/** Null when no locality of the assignment has a weight. A locality that is not wholly available counts less. */
function byWeight(counts: readonly LocalityCount[], priority: number, spread: SpreadPolicy): readonly number[] | null {
  const weights = counts.map(({ locality, hosts, healthyHosts }) => {
    const entry = spread.localities.find((each) => each.priority === priority && isSame(each, locality));
    if (entry === undefined || hosts === 0) return 0;
    return entry.weight * Math.min(1, (spread.overprovisioningPercent / 100) * (healthyHosts / hosts));
  });
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return total > 0 ? weights.map((weight) => weight / total) : null;
}

/**
 * The own locality first, by Envoy's comparison of each locality's share of these hosts with its share of the callers; where
 * no cluster of the callers is known, they are thought to be spread evenly over the localities that have hosts. A
 * locality with less than its share passes the rest on to those that have more.
 */
function byZone(
  minHosts: number,
  counts: readonly LocalityCount[],
  priority: number,
  own: OwnZone | null,
): readonly number[] | null {
  const total = counts.reduce((sum, { healthyHosts }) => sum + healthyHosts, 0);
  const at = own === null ? -1 : counts.findIndex(({ locality }) => isSame(locality, own.locality));
  // Only the first priority, as in Envoy.
  if (own === null || priority !== 0 || at < 0 || counts.length < 2 || total < minHosts) return null;
  if (counts[at]?.healthyHosts === 0 || own.callers?.length === 0) return null;
  const callers = counts.map(({ locality }) => callersIn(locality, own, counts.length));
  const parts = counts.map(({ healthyHosts }) => healthyHosts / total);
  const ownPart = parts[at] ?? 0;
  const ownCallers = callers[at] ?? 0;
  if (ownPart >= ownCallers) return counts.map((_, i) => (i === at ? 1 : 0));
  const here = ownPart / ownCallers;
  const spare = parts.map((part, i) => (i === at ? 0 : Math.max(0, part - (callers[i] ?? 0))));
  // More than 0: somebody else has what the own locality lacks.
  const spares = spare.reduce((sum, part) => sum + part, 0);
  return spare.map((part, i) => (i === at ? here : ((1 - here) * part) / spares));
}

function callersIn(locality: Locality, { callers }: OwnZone, localities: number): number {
  if (callers === null) return 1 / localities;
  return callers.find((each) => isSame(each.locality, locality))?.share ?? 0;
}

/**
 * Weights on a ring or a table where localities are weighted: a locality's weight is shared out among its hosts by theirs
 * (Envoy: `normalizeLocalityWeights`). Health does not count, since a ring must not move with it.
 */
export function weighWithin(hosts: readonly BalanceHost[], spread: SpreadPolicy): readonly number[] {
  const ofLocality = hosts.map(({ endpoint }) => {
    const { locality, priority } = endpoint;
    return spread.localities.find((each) => each.priority === priority && isSame(each, locality))?.weight ?? 0;
  });
  // As with the other policies: without any weight localities are disregarded.
  if (ofLocality.every((weight) => weight === 0)) return hosts.map(({ endpoint }) => endpoint.weight);
  return hosts.map(({ endpoint }, i) => {
    const among = hosts.filter((each) => isSame(each.endpoint.locality, endpoint.locality));
    const total = among.reduce((sum, each) => sum + each.endpoint.weight, 0);
    return ((ofLocality[i] ?? 0) * endpoint.weight) / total;
  });
}

export function isSame(a: Locality, b: Locality): boolean {
  return a.region === b.region && a.zone === b.zone && a.subZone === b.subZone;
}

/** Index by shares that sum to 1; `random01` is uniform in [0, 1). */
export function pickShare(shares: readonly number[], random01: number): number {
  let rest = random01;
  let last = 0;
  for (let i = 0; i < shares.length; i++) {
    const share = shares[i] as number; // in range
    if (share === 0) continue;
    rest -= share;
    if (rest < 0) return i;
    last = i;
  }
  return last;
}
