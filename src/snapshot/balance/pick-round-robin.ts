/**
 * Round robin. Unequal weights are served smoothly: every pick gives each host its weight in credit and takes the total
 * from the winner, so that 5:1:1 gives a a b a c a a and never five in a row.
 */
import { type BalanceHost, isEligible, type PickFacts, TIERS, tierOf } from './balancer.ts';

/** Kept between picks as long as the array of hosts is the same. */
export interface RoundRobinState {
  cursor: number;
  /** By host; empty with equal weights. */
  readonly credit: Float64Array;
}

/** Begins at a random host, lest all proxies begin with the same one. */
export function startRoundRobin(count: number, equal: boolean, random01: number): RoundRobinState {
  return { cursor: Math.floor(random01 * count), credit: new Float64Array(equal ? 0 : count) };
}

/** Index into `hosts`, -1 when there are none. */
export function pickRoundRobin(hosts: readonly BalanceHost[], by: PickFacts, state: RoundRobinState): number {
  by.panic = false;
  if (hosts.length === 0) return -1;
  return state.credit.length === 0 ? inTurn(hosts, by, state) : byCredit(hosts, by, state.credit);
}

function inTurn(hosts: readonly BalanceHost[], by: PickFacts, state: RoundRobinState): number {
  const count = hosts.length;
  for (let tier = 0; tier < TIERS; tier++) {
    for (let step = 0; step < count; step++) {
      const i = (state.cursor + step) % count;
      if (!isEligible(hosts[i] as BalanceHost, by, tier)) continue;
      state.cursor = (i + 1) % count;
      by.panic = tier >= 2;
      return i;
    }
  }
  return -1;
}

function byCredit(hosts: readonly BalanceHost[], by: PickFacts, credit: Float64Array): number {
  const tier = tierOf(hosts, by);
  by.panic = tier >= 2;
  let total = 0;
  let best = -1;
  for (let i = 0; i < hosts.length; i++) {
    const host = hosts[i] as BalanceHost;
    if (!isEligible(host, by, tier)) continue;
    const have = (credit[i] ?? 0) + host.endpoint.weight;
    credit[i] = have;
    total += host.endpoint.weight;
    if (best < 0 || have > (credit[best] ?? 0)) best = i;
  }
  if (best >= 0) credit[best] = (credit[best] ?? 0) - total;
  return best;
}
