/**
 * Least request, as Envoy does it: with equal weights the least busy of a few random hosts (power of two choices), with
 * unequal ones a weighted choice in which a busy host counts less.
 */
import type { BalanceHost, PickFacts } from './balancer.ts';
import { pickUniform, pickWeighted } from './pick-random.ts';

/** Index into `hosts`, -1 when there are none. */
export function pickLeastRequest(
  hosts: readonly BalanceHost[],
  equal: boolean,
  choices: number,
  by: PickFacts,
): number {
  by.panic = false;
  if (hosts.length === 0) return -1;
  if (!equal) return pickWeighted(hosts, by, dynamicWeight);
  let best = pickUniform(hosts, by);
  for (let choice = 1; choice < choices; choice++) {
    const other = pickUniform(hosts, by);
    if ((hosts[other] as BalanceHost).active < (hosts[best] as BalanceHost).active) best = other;
  }
  return best;
}

/** Envoy's `weight / (active + 1)`, that is an active_request_bias of 1. */
function dynamicWeight(host: BalanceHost): number {
  return host.endpoint.weight / (host.active + 1);
}
