/** Which hosts of an interval stand out by their rates: pure functions over what was counted. */
import type { FailurePercentageRule, SuccessRateRule } from '../../../snapshot/outlier-config.ts';

export interface HostRate {
  readonly requests: number;
  readonly failures: number;
}

/** Below `mean − factor × standard deviation` of the hosts that had enough requests, in per cent; null: too few hosts. */
export function successThreshold(hosts: readonly HostRate[], rule: SuccessRateRule): number | null {
  const rates = hosts.filter(({ requests }) => requests > 0 && requests >= rule.minRequests).map(successPercent);
  if (rates.length === 0 || rates.length < rule.minHosts) return null;
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  const variance = rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / rates.length;
  return mean - rule.stdevFactor * Math.sqrt(variance);
}

export function isBelow(host: HostRate, threshold: number | null, rule: SuccessRateRule): boolean {
  if (threshold === null || host.requests === 0 || host.requests < rule.minRequests) return false;
  return successPercent(host) < threshold;
}

/** Whether enough hosts had enough requests for percentages to mean something. */
export function haveVolume(hosts: readonly HostRate[], rule: FailurePercentageRule): boolean {
  const count = hosts.filter(({ requests }) => requests > 0 && requests >= rule.minRequests).length;
  return count > 0 && count >= rule.minHosts;
}

export function failsTooOften(host: HostRate, rule: FailurePercentageRule): boolean {
  if (host.requests === 0 || host.requests < rule.minRequests) return false;
  return 100 - successPercent(host) >= rule.thresholdPercent;
}

function successPercent({ requests, failures }: HostRate): number {
  return (100 * (requests - failures)) / requests;
}
