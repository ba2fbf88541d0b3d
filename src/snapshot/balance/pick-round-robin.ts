/**
 * Round robin. Unequal weights are served smoothly: every pick gives each host its weight in credit and takes the total
 * from the winner, so that 5:1:1 gives a a b a c a a and never five in a row.
 */
import { type BalanceHost, isAvoided, type PickFacts } from './balancer.ts';

/** Kept between picks as long as the array of hosts is the same. */
export interface RoundRobinState {
  cursor: number;
  /** By host; empty where weights are and stay equal. */
  readonly credit: Float64Array;
}

/** Begins at a random host, lest all proxies begin with the same one. */
export function startRoundRobin(count: number, equal: boolean, random01: number): RoundRobinState {
  return { cursor: Math.floor(random01 * count), credit: new Float64Array(equal ? 0 : count) };
}

/** Index into `hosts`, which is not empty. */
export function pickInTurn(hosts: readonly BalanceHost[], by: PickFacts, state: RoundRobinState): number {
  const count = hosts.length;
  let picked = state.cursor;
  for (let step = 0; step < count; step++) {
    const i = (state.cursor + step) % count;
    if (isAvoided(hosts[i] as BalanceHost, by)) continue;
    picked = i;
    break;
  }
  state.cursor = picked + 1 === count ? 0 : picked + 1;
  return picked;
}

/** By `share` of each host, which may change from pick to pick. Index into `hosts`, which is not empty. */
export function pickByCredit(
  hosts: readonly BalanceHost[],
  by: PickFacts,
  credit: Float64Array,
  share: (host: BalanceHost, by: PickFacts) => number,
): number {
  let total = 0;
  let best = -1;
  let spare = 0;
  for (let i = 0; i < hosts.length; i++) {
    const host = hosts[i] as BalanceHost;
    const weight = share(host, by);
    const have = (credit[i] ?? 0) + weight;
    credit[i] = have;
    total += weight;
    if (have > (credit[spare] ?? 0)) spare = i;
    if (!isAvoided(host, by) && (best < 0 || have > (credit[best] ?? 0))) best = i;
  }
  // An avoided host keeps its credit for later: it is only passed over.
  if (best < 0) best = spare;
  credit[best] = (credit[best] ?? 0) - total;
  return best;
}
