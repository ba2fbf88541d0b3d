/** The weight of a host that is new or healthy again: it grows to its whole in a window (Envoy: `SlowStartConfig`). */
import type { SlowStart } from '../balance-config.ts';
import type { BalanceHost } from './balancer.ts';

/** `weight × max(min_weight_percent, (age ÷ window) ^ (1 ÷ aggression))`. */
export function slowWeight(host: BalanceHost, now: number, slow: SlowStart): number {
  const { weight } = host.endpoint;
  const ageMs = Math.max(now - host.inServiceSince, 1);
  if (ageMs >= slow.windowMs) return weight;
  const part = (ageMs / slow.windowMs) ** (1 / slow.aggression);
  return weight * Math.max(part, slow.minWeightPercent / 100);
}

/** When the last of the hosts has its whole weight. */
export function slowUntil(hosts: readonly BalanceHost[], slow: SlowStart): number {
  return hosts.reduce((latest, host) => Math.max(latest, host.inServiceSince + slow.windowMs), 0);
}
