/**
 * Peak EWMA, as Finagle and Linkerd do it: of a few random hosts the one where a request is expected to wait least, by an
 * estimate of its latency that jumps to a peak at once and forgets it exponentially, times the requests it has.
 */
import { type BalanceHost, isAvoided, type Latency, type PickFacts } from './balancer.ts';
import { pickUniform } from './pick-random.ts';

/** What a host is thought to take before anything is known of it: Linkerd's default. */
export const DEFAULT_LATENCY_MS = 30;

/** Index into `hosts`, which is not empty. */
export function pickLeastWait(hosts: readonly BalanceHost[], choices: number, decayMs: number, by: PickFacts): number {
  const count = hosts.length;
  let best = pickUniform(hosts, by);
  if (count === 1) return best;
  for (let choice = 1; choice < choices; choice++) {
    // Another one than the best, so that the worst of few hosts gets nothing.
    const other = (best + 1 + Math.floor(by.random.next() * (count - 1))) % count;
    if (isAvoided(hosts[other] as BalanceHost, by)) continue;
    if (waitsLess(hosts[other] as BalanceHost, hosts[best] as BalanceHost, decayMs)) best = other;
  }
  return best;
}

/**
 * Whether latency × requests ÷ weight is less for `one` than for `other`; a host of twice the weight is thought to bear
 * twice the load. Both estimates decay by the same law, so what counts is which was measured later and by how much, not
 * how long ago; and only where that decides nothing by its bounds is the exponential asked for, which costs more than
 * all the rest.
 */
export function waitsLess(one: BalanceHost, other: BalanceHost, decayMs: number): boolean {
  const mine = one.latency.ms * (one.active + 1) * other.endpoint.weight;
  const its = other.latency.ms * (other.active + 1) * one.endpoint.weight;
  const apart = (other.latency.at - one.latency.at) / decayMs;
  // 1 + x <= e^x, and e^x <= 1 / (1 - x) for x < 1.
  if (mine < its * (1 + apart)) return true;
  if (apart < 1 && mine * (1 - apart) >= its) return false;
  return mine < its * Math.exp(apart);
}

/** The estimate decays towards 0 while nothing is measured, so that a host which was slow is tried again. */
export function latencyAt(latency: Latency, now: number, decayMs: number): number {
  const ageMs = now - latency.at;
  return ageMs > 0 ? latency.ms * Math.exp(-ageMs / decayMs) : latency.ms;
}

export function observeLatency(latency: Latency, measuredMs: number, now: number, decayMs: number): void {
  const old = Math.exp(-Math.max(now - latency.at, 0) / decayMs);
  latency.ms = measuredMs > latency.ms ? measuredMs : latency.ms * old + measuredMs * (1 - old);
  latency.at = now;
}
