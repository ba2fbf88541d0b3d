/**
 * Choice of a host: priority, then locality, then the policy. It remembers the plan of the current hosts and makes it
 * anew at the first pick after something changed.
 */
import { type BalanceConfig, DEFAULT_SPREAD, type SpreadPolicy } from '../balance-config.ts';
import { ACCEPT, type BalanceHost, type PickFacts } from './balancer.ts';
import { isByHash } from './create-balancer.ts';
import { type HostGroup, type HostPlan, type Members, membersOf, planHosts } from './host-plan.ts';
import { loadsBeside, type PriorityLoads } from './priority-load.ts';
import { pickShare } from './locality-split.ts';
import type { OwnZone } from './own-zone.ts';

export class LoadBalancer<H extends BalanceHost> {
  readonly config: BalanceConfig;
  readonly #own: OwnZone | null;
  readonly #byHash: boolean;
  #spread: SpreadPolicy = DEFAULT_SPREAD;
  #members: Members<H> = [];
  #plan: HostPlan<H> | null = null;

  /** `own`: where the proxy itself is, for zone-aware routing; null: unknown. */
  constructor(config: BalanceConfig, own: OwnZone | null) {
    this.config = config;
    this.#own = own;
    this.#byHash = isByHash(config);
  }

  /** Hosts, their weights, priorities or localities changed. */
  setHosts(hosts: readonly H[], spread: SpreadPolicy): void {
    this.#spread = spread;
    this.#members = membersOf(hosts, this.config, spread);
    this.#plan = null;
  }

  /** The health of a host changed, or its slow start begins anew. */
  healthChanged(): void {
    this.#plan = null;
  }

  get plan(): HostPlan<H> {
    this.#plan ??= planHosts(this.#members, this.config, this.#spread, this.#own);
    return this.#plan;
  }

  /** Null when there is none that may be picked. */
  pick(by: PickFacts): H | null {
    const { plan } = this;
    by.panic = false;
    const leaves = by.leaves.length > 0;
    let index = leaves ? -1 : plan.only;
    let degraded = false;
    if (index < 0) {
      const slot = this.#priorityOf(leaves ? this.#loadsBeside(plan, by.leaves) : plan.loads, by);
      degraded = slot >= plan.priorities.length;
      index = degraded ? slot - plan.priorities.length : slot;
    }
    const priority = plan.priorities[index];
    if (priority === undefined) return null;
    if (priority.panic) return this.#pickInPanic(priority.any, priority.hasReachable, by);
    by.accept = degraded ? ACCEPT.degraded : ACCEPT.healthy;
    if (degraded) return pickFrom(priority.degraded, by);
    const { shares } = priority;
    if (shares !== null && this.#regardsLocalities(by)) {
      const local = priority.localities[shares.length === 1 ? 0 : pickShare(shares, by.random.next())];
      if (local !== undefined && local.hosts.length > 0) return pickFrom(local, by);
    }
    return pickFrom(priority.healthy, by);
  }

  #pickInPanic(group: HostGroup<H>, hasReachable: boolean, by: PickFacts): H | null {
    const { locality } = this.config;
    by.panic = true;
    if (locality.kind === 'zone-aware' && locality.failOnPanic) return null;
    by.accept = hasReachable ? ACCEPT.panic : ACCEPT.any;
    return pickFrom(group, by);
  }

  /** Envoy's previous_priorities; reckoned for each retry, because most requests have none. */
  #loadsBeside({ priorities, counts, loads }: HostPlan<H>, leaves: readonly number[]): PriorityLoads {
    const isLeft = (index: number): boolean => leaves.includes(priorities[index]?.number ?? -1);
    return loadsBeside(counts, isLeft, this.#spread.overprovisioningPercent) ?? loads;
  }

  /** Priorities with their healthy hosts come first, those with their degraded ones after them. */
  #priorityOf(loads: PriorityLoads, by: PickFacts): number {
    // A request with a hash must find its host again, so chance may not choose its priority either.
    let rest = this.#byHash && by.hash >= 0 ? by.hash % 100 : Math.floor(by.random.next() * 100);
    const { healthy, degraded } = loads;
    for (let i = 0; i < healthy.length; i++) {
      rest -= healthy[i] as number; // in range
      if (rest < 0) return i;
    }
    for (let i = 0; i < degraded.length; i++) {
      rest -= degraded[i] as number; // in range
      if (rest < 0) return healthy.length + i;
    }
    return 0;
  }

  #regardsLocalities(by: PickFacts): boolean {
    const { locality } = this.config;
    if (locality.kind !== 'zone-aware' || locality.enabledPercent >= 100) return true;
    return by.random.next() * 100 < locality.enabledPercent;
  }
}

function pickFrom<H extends BalanceHost>(group: HostGroup<H>, by: PickFacts): H | null {
  const index = group.balancer.pick(group.hosts, by);
  return index < 0 ? null : (group.hosts[index] ?? null);
}
