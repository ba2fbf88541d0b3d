/** Random choice of an endpoint, in proportion to weights; also the source of candidates for least-request. */
import { type BalanceHost, isAvoided, type PickFacts } from './balancer.ts';

/** Blind draws before the hosts are looked at one by one: a pick does not depend on their number. */
const DRAWS = 4;

/** Index into `hosts`, which is not empty. */
export function pickUniform(hosts: readonly BalanceHost[], by: PickFacts): number {
  const count = hosts.length;
  let drawn = Math.floor(by.random.next() * count);
  if (by.avoid.length === 0) return drawn;
  for (let draw = 1; draw < DRAWS; draw++) {
    if (!isAvoided(hosts[drawn] as BalanceHost, by)) return drawn;
    drawn = Math.floor(by.random.next() * count);
  }
  return pickWeighted(hosts, by, one);
}

/** By `share` of each host; when all shares are 0, evenly. Index into `hosts`, which is not empty. */
export function pickWeighted(
  hosts: readonly BalanceHost[],
  by: PickFacts,
  share: (host: BalanceHost, by: PickFacts) => number,
): number {
  const mayAvoid = by.avoid.length > 0 && !hosts.every((host) => isAvoided(host, by));
  let total = 0;
  let last = -1;
  for (let i = 0; i < hosts.length; i++) {
    const host = hosts[i] as BalanceHost;
    if (mayAvoid && isAvoided(host, by)) continue;
    total += share(host, by);
    last = i;
  }
  if (!(total > 0)) return share === one ? last : pickWeighted(hosts, by, one);
  let rest = by.random.next() * total;
  for (let i = 0; i < hosts.length; i++) {
    const host = hosts[i] as BalanceHost;
    if (mayAvoid && isAvoided(host, by)) continue;
    rest -= share(host, by);
    if (rest < 0) return i;
  }
  return last;
}

export function weightOf(host: BalanceHost): number {
  return host.endpoint.weight;
}

function one(): number {
  return 1;
}
