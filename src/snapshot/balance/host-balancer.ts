/** The balancer that a cluster's configuration asks for: of all its hosts, or subset by subset. */
import type { BalanceConfig, SpreadPolicy } from '../balance-config.ts';
import type { BalanceHost, PickFacts } from './balancer.ts';
import type { HostPlan } from './host-plan.ts';
import { LoadBalancer } from './load-balancer.ts';
import { SubsetBalancer, type SubsetCounts } from './subset-balancer.ts';
import type { OwnZone } from './own-zone.ts';

export interface HostBalancer<H> {
  /** How picks are spread over all hosts. */
  readonly plan: HostPlan<H>;
  /** Hosts, their weights, priorities, localities or labels changed. */
  setHosts(hosts: readonly H[], spread: SpreadPolicy): void;
  /** The health of a host changed, or its slow start begins anew. */
  healthChanged(): void;
  /** Null when there is none that may be picked. */
  pick(by: PickFacts): H | null;
}

/** `own`: where the proxy itself is, for zone-aware routing; null: unknown. */
export function createHostBalancer<H extends BalanceHost>(
  config: BalanceConfig,
  own: OwnZone | null,
  counts: SubsetCounts,
): HostBalancer<H> {
  return config.subsets === null
    ? new LoadBalancer<H>(config, own)
    : new SubsetBalancer<H>(config, config.subsets, own, counts);
}
