/**
 * What share of the requests each priority of a cluster gets, by the rules of Envoy's load balancer: the first one that
 * can bear them, by how many of its hosts are available, and the rest to those after it.
 */

/** What there is in a priority; hosts that leave are left out. */
export interface PriorityCount {
  readonly hosts: number;
  readonly healthyHosts: number;
  readonly degradedHosts: number;
  /** The same by weight where the assignment asks for it (`weighted_priority_health`), else the same numbers. */
  readonly weight: number;
  readonly healthyWeight: number;
  readonly degradedWeight: number;
}

/** By priority. Both loads together make 100. */
export interface PriorityLoads {
  readonly healthy: readonly number[];
  readonly degraded: readonly number[];
  /** All hosts are used, whatever is thought of them. */
  readonly panic: readonly boolean[];
}

/** At least one priority. `panicPercent` 0: no panic. */
export function loadsOf(
  counts: readonly PriorityCount[],
  overprovisioningPercent: number,
  panicPercent: number,
): PriorityLoads {
  const availability = (available: number, of: number): number =>
    of === 0 ? 0 : Math.min(100, Math.floor((overprovisioningPercent * available) / of));
  const healthyPart = counts.map(({ healthyWeight, weight }) => availability(healthyWeight, weight));
  const degradedPart = counts.map(({ degradedWeight, weight }) => availability(degradedWeight, weight));
  const total = Math.min(100, sum(healthyPart) + sum(degradedPart));
  const panic = counts.map((count) => total < 100 && isInPanic(count, panicPercent));
  if (panic.every(Boolean)) return { ...loadsInPanic(counts), panic };
  if (total === 0) return { healthy: counts.map((_, i) => (i === 0 ? 100 : 0)), degraded: counts.map(() => 0), panic };
  const healthy = handOut(healthyPart, 100, total);
  const degraded = handOut(degradedPart, 100 - sum(healthy), total);
  // What is left is rounding: it goes to the first that has any.
  const rest = 100 - sum(healthy) - sum(degraded);
  const first = healthyPart.findIndex((part) => part > 0);
  if (first >= 0) healthy[first] = (healthy[first] ?? 0) + rest;
  else
    addTo(
      degraded,
      degradedPart.findIndex((part) => part > 0),
      rest,
    );
  return { healthy, degraded, panic };
}

const NOBODY: PriorityCount = {
  hosts: 0,
  healthyHosts: 0,
  degradedHosts: 0,
  weight: 0,
  healthyWeight: 0,
  degradedWeight: 0,
};

/** The loads of a retry, where those priorities are thought to be empty; null: then nobody would be left. */
export function loadsBeside(
  counts: readonly PriorityCount[],
  isLeft: (index: number) => boolean,
  overprovisioningPercent: number,
): PriorityLoads | null {
  const rest = counts.map((count, i) => (isLeft(i) ? NOBODY : count));
  const hasSome = rest.some(({ healthyHosts, degradedHosts }) => healthyHosts + degradedHosts > 0);
  return hasSome ? loadsOf(rest, overprovisioningPercent, 0) : null;
}

function handOut(parts: readonly number[], load: number, total: number): number[] {
  let rest = load;
  return parts.map((part) => {
    const share = Math.min(rest, Math.floor((part * 100) / total));
    rest -= share;
    return share;
  });
}

function isInPanic({ hosts, healthyHosts, degradedHosts }: PriorityCount, panicPercent: number): boolean {
  const percent = hosts === 0 ? 0 : (100 * (healthyHosts + degradedHosts)) / hosts;
  return percent < panicPercent;
}

/** Every priority is in panic: then by the number of hosts. */
function loadsInPanic(counts: readonly PriorityCount[]): Pick<PriorityLoads, 'healthy' | 'degraded'> {
  const total = counts.reduce((hosts, count) => hosts + count.hosts, 0);
  const healthy = counts.map(({ hosts }) => (total === 0 ? 0 : Math.floor((100 * hosts) / total)));
  const first = Math.max(
    0,
    counts.findIndex(({ hosts }) => hosts > 0),
  );
  addTo(healthy, first, 100 - sum(healthy));
  return { healthy, degraded: counts.map(() => 0) };
}

function addTo(loads: number[], index: number, load: number): void {
  loads[index] = (loads[index] ?? 0) + load;
}

function sum(parts: readonly number[]): number {
  return parts.reduce((total, part) => total + part, 0);
}
