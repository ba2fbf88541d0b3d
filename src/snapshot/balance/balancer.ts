/**
 * What choosing an endpoint takes and gives. Balancers are functions over an array of hosts and the facts of one pick;
 * what they remember between picks is handed to them, so that simulator and proxy run the same code.
 */
import type { Random } from '../../core/runtime.ts';
import type { Endpoint } from '../snapshot.ts';
import type { SubsetMatch } from '../subset-match.ts';

/**
 * From better to worse. An `unhealthy` host is ejected, fails its checks or is called so by the control plane: it counts
 * against its priority and is used in panic, as in Envoy, because many such hosts at once may be a wrong judgement. An
 * `unreachable` one has just refused a connection: in panic too it comes last. A `leaving` one has said that it goes: it
 * counts for nothing and never gets anything, because what it refuses then would be lost.
 */
export const HEALTH = { healthy: 0, degraded: 1, unhealthy: 2, unreachable: 3, leaving: 4 } as const;
export type Health = (typeof HEALTH)[keyof typeof HEALTH];

/** What a balancer sees of an endpoint's state; `proxy/cluster` keeps more. */
export interface BalanceHost {
  readonly endpoint: Endpoint;
  /** Exchanges in flight. */
  readonly active: number;
  readonly health: Health;
  /** It is to be checked, and no check has ended yet. */
  readonly unchecked: boolean;
  /** `Clock.now()` since which it is in service: slow start counts from here. */
  readonly inServiceSince: number;
  /** Only peak-ewma reads it. */
  readonly latency: Latency;
}

/** What peak-ewma remembers of a host. */
export interface Latency {
  /** The estimate as of `at`, ms. */
  ms: number;
  /** `Clock.now()`. */
  at: number;
}

/** One object, reused from pick to pick. */
export interface PickFacts {
  random: Random;
  /** `Clock.now()`; only read where `readsClock` says so. */
  now: number;
  /** Of the request, unsigned 32 bits, for ring-hash and maglev; -1: there is none, so chance decides. */
  hash: number;
  /** Hosts that earlier tries of this exchange used; taken again only when there is no other. */
  avoid: readonly BalanceHost[];
  /** Priorities that earlier tries had; taken again only when the others have nobody. */
  leaves: readonly number[];
  /** Which hosts of a ring or a table may be picked; arrays of other policies hold only such hosts. */
  accept: Accept;
  /** Which subset of the hosts is asked for; only clusters with subsets read it. */
  subset: SubsetMatch | null;
  /** Set by the pick: so few hosts were available that all were taken into account. */
  panic: boolean;
}

/** Exactly healthy, exactly degraded, or any; `any` without the unreachable is `panic`. */
export const ACCEPT = { healthy: 0, degraded: 1, panic: 2, any: 3 } as const;
export type Accept = (typeof ACCEPT)[keyof typeof ACCEPT];

export const NO_PRIORITIES: readonly number[] = [];

export interface Balancer {
  /** Index into `hosts`, -1 when there are none. A new array (compared by identity) means that hosts or weights changed. */
  pick(hosts: readonly BalanceHost[], by: PickFacts): number;
}

export function isAccepted(host: BalanceHost, accept: Accept): boolean {
  return accept <= ACCEPT.degraded ? host.health === accept : host.health <= accept;
}

export function isAvoided(host: BalanceHost, by: PickFacts): boolean {
  return by.avoid.length > 0 && by.avoid.includes(host);
}

export function haveEqualWeights(hosts: readonly BalanceHost[]): boolean {
  const first = hosts[0]?.endpoint.weight;
  return hosts.every((host) => host.endpoint.weight === first);
}
