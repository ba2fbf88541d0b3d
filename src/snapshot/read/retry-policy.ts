/** Envoy's RetryPolicy → RetryPolicy. */
import type { RetryPolicy as Message } from '../../xds/tables/messages.gen.ts';
import type { RetryPolicy } from '../route-table.ts';
import { invalid, refuseSet } from './problem.ts';

/** Envoy's default for `retry_back_off.base_interval`; the maximum is ten times it. */
const BASE_INTERVAL_MS = 25;

/** Conditions in `retry_on` that this proxy does not know never hold, as in Envoy: that means fewer retries, not other ones. */
export function readRetryPolicy(where: string, message: Message): RetryPolicy {
  refuseSet(`${where}.per_try_idle_timeout`, message.perTryIdleTimeout);
  refuseSet(`${where}.retriable_request_headers`, message.retriableRequestHeaders);
  const conditions = new Set(message.retryOn.split(',').map((condition) => condition.trim()));
  const statusCodes = conditions.has('retriable-status-codes') ? [...message.retriableStatusCodes] : [];
  if (conditions.has('retriable-4xx')) statusCodes.push(409);
  const baseIntervalMs = message.retryBackOff?.baseInterval ?? BASE_INTERVAL_MS;
  const maxIntervalMs = message.retryBackOff?.maxInterval ?? 10 * baseIntervalMs;
  if (baseIntervalMs <= 0) throw invalid(`${where}.retry_back_off.base_interval`, 'must be more than 0');
  if (maxIntervalMs < baseIntervalMs) {
    throw invalid(`${where}.retry_back_off.max_interval`, 'must not be less than base_interval');
  }
  return {
    retries: message.numRetries ?? 1,
    perTryTimeoutMs: message.perTryTimeout ?? 0,
    onConnectFailure: conditions.has('connect-failure'),
    onRefusedStream: conditions.has('refused-stream'),
    onReset: conditions.has('reset'),
    onGatewayError: conditions.has('gateway-error'),
    on5xx: conditions.has('5xx'),
    statusCodes,
    baseIntervalMs,
    maxIntervalMs,
  };
}
