/**
 * The hosts of a cluster sorted into the groups that picks are made from: by priority, health and locality. Made when
 * endpoints or their health change, so that a pick looks at neither.
 */
import type { BalanceConfig, SpreadPolicy } from '../balance-config.ts';
import type { Locality } from '../snapshot.ts';
import { type BalanceHost, type Balancer, HEALTH } from './balancer.ts';
import { createBalancer, isByHash, type Weigh } from './create-balancer.ts';
import { isSame, splitOverLocalities, weighWithin } from './locality-split.ts';
import { loadsOf, type PriorityCount, type PriorityLoads } from './priority-load.ts';
import type { OwnZone } from './own-zone.ts';

/** Hosts and what the policy remembers of them. */
export interface HostGroup<H> {
  readonly hosts: readonly H[];
  readonly balancer: Balancer;
}

export interface PriorityPlan<H> {
  /** As the endpoints call it. */
  readonly number: number;
  readonly panic: boolean;
  readonly healthy: HostGroup<H>;
  readonly degraded: HostGroup<H>;
  /** For panic: all but the unreachable, or those too when there are no others. */
  readonly any: HostGroup<H>;
  readonly hasReachable: boolean;
  /** Healthy hosts by locality, in step with `shares`. */
  readonly localities: readonly HostGroup<H>[];
  /** null: localities are disregarded. */
  readonly shares: readonly number[] | null;
}

export interface HostPlan<H> {
  readonly priorities: readonly PriorityPlan<H>[];
  readonly loads: PriorityLoads;
  /** What the loads come from, in step with `priorities`. */
  readonly counts: readonly PriorityCount[];
  /** Index of the priority that has all of the load with healthy hosts; -1: several share it. */
  readonly only: number;
}

/** By priority, without hosts that leave. A new array means that hosts or weights changed, so rings are kept with it. */
export type Members<H> = readonly HostGroup<H>[];

export function membersOf<H extends BalanceHost>(
  hosts: readonly H[],
  config: BalanceConfig,
  spread: SpreadPolicy,
): Members<H> {
  // Zone-aware routing leaves rings alone, as in Envoy: a request must find its host whatever zone it came from.
  const isWeighed = config.locality.kind === 'weighted' && isByHash(config);
  const staying = hosts.filter(({ endpoint }) => endpoint.health !== 'draining');
  // Priorities may have gaps, and a gap bears nothing.
  const priorities = [...new Set(staying.map(({ endpoint }) => endpoint.priority))].toSorted((a, b) => a - b);
  return priorities.map((priority) =>
    groupOf(
      staying.filter(({ endpoint }) => endpoint.priority === priority),
      config,
      isWeighed ? (members) => weighWithin(members, spread) : undefined,
    ),
  );
}

export function planHosts<H extends BalanceHost>(
  members: Members<H>,
  config: BalanceConfig,
  spread: SpreadPolicy,
  own: OwnZone | null,
): HostPlan<H> {
  const counts = members.map(({ hosts }) => countOf(counted(hosts, config), spread.weightedPriorityHealth));
  const loads = loadsOf(counts, spread.overprovisioningPercent, config.panicPercent);
  const priorities = members.map((group, i) => planPriority(group, loads.panic[i] ?? false, config, spread, own));
  const only = loads.healthy.findIndex((load) => load === 100);
  return { priorities, loads, counts, only };
}

function planPriority<H extends BalanceHost>(
  all: HostGroup<H>,
  panic: boolean,
  config: BalanceConfig,
  spread: SpreadPolicy,
  own: OwnZone | null,
): PriorityPlan<H> {
  const reachable = all.hosts.filter(({ health }) => health <= HEALTH.unhealthy);
  const hasReachable = reachable.length > 0;
  const number = all.hosts[0]?.endpoint.priority ?? 0;
  // A ring keeps its hosts whatever their health: who may not be picked leaves its requests to the next.
  if (isByHash(config)) {
    return { number, panic, healthy: all, degraded: all, any: all, hasReachable, localities: [], shares: null };
  }
  const healthy = all.hosts.filter(({ health }) => health === HEALTH.healthy);
  const counts = localitiesOf(counted(all.hosts, config));
  const shares = panic ? null : splitOverLocalities(config.locality, counts, number, spread, own);
  return {
    number,
    panic,
    hasReachable,
    healthy: groupOf(healthy, config),
    degraded: groupOf(
      all.hosts.filter(({ health }) => health === HEALTH.degraded),
      config,
    ),
    any: groupOf(hasReachable ? reachable : all.hosts, config),
    localities:
      shares === null
        ? []
        : counts.map(({ locality }) =>
            groupOf(
              healthy.filter(({ endpoint }) => isSame(endpoint.locality, locality)),
              config,
            ),
          ),
    shares,
  };
}

function groupOf<H extends BalanceHost>(hosts: readonly H[], config: BalanceConfig, weigh?: Weigh): HostGroup<H> {
  return { hosts, balancer: createBalancer(config, weigh) };
}

/** Those by which priorities and localities are judged. */
function counted<H extends BalanceHost>(hosts: readonly H[], { ignoresUnchecked }: BalanceConfig): readonly H[] {
  return ignoresUnchecked ? hosts.filter(({ unchecked }) => !unchecked) : hosts;
}

function localitiesOf(hosts: readonly BalanceHost[]) {
  const found = new Map<string, { locality: Locality; hosts: number; healthyHosts: number }>();
  for (const { endpoint, health } of hosts) {
    const { locality } = endpoint;
    const key = `${locality.region}/${locality.zone}/${locality.subZone}`;
    const count = found.get(key) ?? { locality, hosts: 0, healthyHosts: 0 };
    count.hosts++;
    if (health === HEALTH.healthy) count.healthyHosts++;
    found.set(key, count);
  }
  return [...found.values()];
}

function countOf(hosts: readonly BalanceHost[], byWeight: boolean): PriorityCount {
  const of = (health: number | null, weighed: boolean): number =>
    hosts.reduce((sum, host) => {
      if (health !== null && host.health !== health) return sum;
      return sum + (weighed ? host.endpoint.weight : 1);
    }, 0);
  return {
    hosts: hosts.length,
    healthyHosts: of(HEALTH.healthy, false),
    degradedHosts: of(HEALTH.degraded, false),
    weight: of(null, byWeight),
    healthyWeight: of(HEALTH.healthy, byWeight),
    degradedWeight: of(HEALTH.degraded, byWeight),
  };
}
