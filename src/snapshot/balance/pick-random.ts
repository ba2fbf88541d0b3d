/** Random choice of an endpoint, in proportion to weights; also the source of candidates for least-request. */
import { type BalanceHost, isEligible, type PickFacts, tierOf } from './balancer.ts';

/** Blind draws before the hosts are counted: with most hosts healthy a pick does not depend on their number. */
const DRAWS = 4;

/** Index into `hosts`, -1 when there are none. `equal`: the weights need not be looked at. */
export function pickRandom(hosts: readonly BalanceHost[], equal: boolean, by: PickFacts): number {
  by.panic = false;
  if (hosts.length === 0) return -1;
  return equal ? pickUniform(hosts, by) : pickWeighted(hosts, by, weightOf);
}

export function pickUniform(hosts: readonly BalanceHost[], by: PickFacts): number {
  for (let draw = 0; draw < DRAWS; draw++) {
    const i = Math.floor(by.random.next() * hosts.length);
    if (isEligible(hosts[i] as BalanceHost, by, 0)) return i;
  }
  return pickWeighted(hosts, by, one);
}

/** By `share` of each host of the best tier. A tier whose shares are all 0 is drawn from evenly. */
export function pickWeighted(
  hosts: readonly BalanceHost[],
  by: PickFacts,
  share: (host: BalanceHost) => number,
): number {
  const tier = tierOf(hosts, by);
  by.panic = tier >= 2;
  let total = 0;
  let last = -1;
  for (let i = 0; i < hosts.length; i++) {
    const host = hosts[i] as BalanceHost;
    if (!isEligible(host, by, tier)) continue;
    total += share(host);
    last = i;
  }
  if (total === 0) return share === one ? last : pickWeighted(hosts, by, one);
  let rest = by.random.next() * total;
  for (let i = 0; i < hosts.length; i++) {
    const host = hosts[i] as BalanceHost;
    if (!isEligible(host, by, tier)) continue;
    rest -= share(host);
    if (rest < 0) return i;
  }
  return last;
}

function weightOf(host: BalanceHost): number {
  return host.endpoint.weight;
}

function one(): number {
  return 1;
}
