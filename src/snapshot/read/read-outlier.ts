/** Envoy's OutlierDetection → OutlierConfig, with its defaults. */
import type { OutlierDetection } from '../../xds/tables/messages.gen.ts';
import type { ConsecutiveRule, OutlierConfig } from '../outlier-config.ts';
import { readPercent } from './percent.ts';
import { invalid } from './problem.ts';

const INTERVAL_MS = 10_000;
const BASE_EJECTION_MS = 30_000;
const MAX_EJECTION_MS = 300_000;
const MAX_EJECTION_PERCENT = 10;
const CONSECUTIVE = 5;
const MIN_HOSTS = 5;

export function readOutlier(where: string, message: OutlierDetection | undefined): OutlierConfig | null {
  if (message === undefined) return null;
  const percent = (field: string, value: number | undefined, unset: number): number =>
    readPercent(`${where}.${field}`, value, unset);
  const rule = (count: number | undefined, enforcingPercent: number): ConsecutiveRule => ({
    count: count ?? CONSECUTIVE,
    enforcingPercent,
  });
  const intervalMs = positive(`${where}.interval`, message.interval ?? INTERVAL_MS);
  const baseEjectionMs = positive(`${where}.base_ejection_time`, message.baseEjectionTime ?? BASE_EJECTION_MS);
  return {
    intervalMs,
    baseEjectionMs,
    maxEjectionMs: Math.max(message.maxEjectionTime ?? MAX_EJECTION_MS, baseEjectionMs),
    ejectionJitterMs: message.maxEjectionTimeJitter ?? 0,
    maxEjectionPercent: percent('max_ejection_percent', message.maxEjectionPercent, MAX_EJECTION_PERCENT),
    consecutive5xx: rule(
      message.consecutive5xx,
      percent('enforcing_consecutive_5xx', message.enforcingConsecutive5xx, 100),
    ),
    consecutiveGateway: rule(
      message.consecutiveGatewayFailure,
      percent('enforcing_consecutive_gateway_failure', message.enforcingConsecutiveGatewayFailure, 0),
    ),
    splitLocalOrigin: message.splitExternalLocalOriginErrors,
    consecutiveLocalOrigin: rule(
      message.consecutiveLocalOriginFailure,
      percent('enforcing_consecutive_local_origin_failure', message.enforcingConsecutiveLocalOriginFailure, 100),
    ),
    successRate: {
      minHosts: message.successRateMinimumHosts ?? MIN_HOSTS,
      minRequests: message.successRateRequestVolume ?? 100,
      stdevFactor: (message.successRateStdevFactor ?? 1_900) / 1_000,
      enforcingPercent: percent('enforcing_success_rate', message.enforcingSuccessRate, 100),
    },
    failurePercentage: {
      thresholdPercent: percent('failure_percentage_threshold', message.failurePercentageThreshold, 85),
      minHosts: message.failurePercentageMinimumHosts ?? MIN_HOSTS,
      minRequests: message.failurePercentageRequestVolume ?? 50,
      enforcingPercent: percent('enforcing_failure_percentage', message.enforcingFailurePercentage, 0),
    },
  };
}

function positive(where: string, durationMs: number): number {
  if (!(durationMs > 0)) throw invalid(where, 'must be more than 0');
  return durationMs;
}
