/** What an assignment's spread means within a subset: whether localities have weights there, and how much is left of them. */
import type { SpreadPolicy } from '../balance-config.ts';
import type { SubsetConfig } from '../subset-match.ts';
import type { BalanceHost } from './balancer.ts';
import { isSame } from './locality-split.ts';

export function spreadWithin(
  members: readonly BalanceHost[],
  all: readonly BalanceHost[],
  spread: SpreadPolicy,
  { localityWeightAware, scaleLocalityWeight }: SubsetConfig,
): SpreadPolicy {
  const { overprovisioningPercent, weightedPriorityHealth } = spread;
  const base = { overprovisioningPercent, weightedPriorityHealth, drops: [] };
  if (!localityWeightAware) return { ...base, localities: [] };
  if (!scaleLocalityWeight || members.length === all.length) return { ...base, localities: spread.localities };
  const localities = spread.localities.map((locality) => {
    const isIn = ({ endpoint }: BalanceHost): boolean =>
      endpoint.priority === locality.priority && isSame(endpoint.locality, locality);
    const hosts = all.filter(isIn).length;
    const kept = members.filter(isIn).length;
    // A whole number, as in Envoy.
    return { ...locality, weight: hosts === 0 ? 0 : Math.round((locality.weight * kept) / hosts) };
  });
  return { ...base, localities };
}
