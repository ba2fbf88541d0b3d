/**
 * Least request, as Envoy does it: with equal weights the least busy of a few random hosts (power of two choices), with
 * unequal ones a weighted choice in which a busy host counts less.
 */
import type { BalanceHost, PickFacts } from './balancer.ts';
import { pickUniform } from './pick-random.ts';

/** Index into `hosts`, which is not empty. */
export function pickLeastBusy(hosts: readonly BalanceHost[], choices: number, by: PickFacts): number {
  let best = pickUniform(hosts, by);
  for (let choice = 1; choice < choices; choice++) {
    const other = pickUniform(hosts, by);
    if ((hosts[other] as BalanceHost).active < (hosts[best] as BalanceHost).active) best = other;
  }
  return best;
}

/** Envoy's `weight / (active + 1) ^ active_request_bias`. */
export function shareOfBusy(weight: number, active: number, bias: number): number {
  return bias === 1 ? weight / (active + 1) : weight / (active + 1) ** bias;
}
