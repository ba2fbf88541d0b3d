/**
 * What choosing an endpoint takes and gives. Balancers are functions over an array of hosts and the facts of one pick;
 * what they remember between picks is handed to them, so that simulator and proxy run the same code.
 */
import type { Random } from '../../core/runtime.ts';
import type { Endpoint } from '../snapshot.ts';

/** What a balancer sees of an endpoint's state; `proxy/cluster` keeps more. */
export interface BalanceHost {
  readonly endpoint: Endpoint;
  /** Exchanges in flight. */
  readonly active: number;
  readonly healthy: boolean;
  /** `Clock.now()` until which outlier detection keeps it out; 0: not ejected. */
  readonly ejectedUntil: number;
}

/** One object, reused from pick to pick. */
export interface PickFacts {
  random: Random;
  /** `Clock.now()`. */
  now: number;
  /** Hosts that earlier tries of this exchange used; taken again only when no other is healthy. */
  avoid: readonly BalanceHost[];
  /** Set by the pick: no host was healthy, so all were taken into account. */
  panic: boolean;
}

/** Tiers of eligibility, tried in order. */
export const TIERS = 4;

export function isUsable(host: BalanceHost, by: PickFacts): boolean {
  return host.healthy && host.ejectedUntil <= by.now;
}

/** 0: healthy and not tried before; 1: healthy; 2 and 3: the same in panic, whatever the health. */
export function isEligible(host: BalanceHost, by: PickFacts, tier: number): boolean {
  if (tier < 2 && !isUsable(host, by)) return false;
  return (tier & 1) === 1 || by.avoid.length === 0 || !by.avoid.includes(host);
}

/** The first tier that has a host. Only for a non-empty array. */
export function tierOf(hosts: readonly BalanceHost[], by: PickFacts): number {
  let tier = TIERS - 1;
  for (let i = 0; i < hosts.length && tier > 0; i++) {
    const host = hosts[i] as BalanceHost;
    for (let better = 0; better < tier; better++) if (isEligible(host, by, better)) tier = better;
  }
  return tier;
}

export function haveEqualWeights(hosts: readonly BalanceHost[]): boolean {
  const first = hosts[0]?.endpoint.weight;
  return hosts.every((host) => host.endpoint.weight === first);
}
