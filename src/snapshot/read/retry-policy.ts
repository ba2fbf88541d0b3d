/**
 * Envoy's RetryPolicy → RetryPolicy. Hosts of earlier tries are avoided whether or not `retry_host_predicate` and
 * `host_selection_retry_max_attempts` say so, and what callers say in `x-envoy-retry-on`, `x-envoy-max-retries` or
 * `x-envoy-upstream-rq-timeout-ms` is passed on and not followed: a caller must not change what its callee can bear.
 */
import { FieldName } from '../../http/field-name.ts';
import { GRPC_STATUS } from '../../http/grpc/status.ts';
import { compileHeader } from '../../http/match/header.ts';
import { readHeaderMatcher } from '../../xds/matchers/header-matcher.ts';
import { type RetryPolicy as Message, RetryPolicy_ResetHeaderFormat as Format } from '../../xds/tables/messages.gen.ts';
import type { ResetHeader, RetryPolicy } from '../retry-policy.ts';
import { readOmissions, readPriority } from './retry-plugins.ts';
import { invalid, unsupported } from './problem.ts';

/** Envoy's default for `retry_back_off.base_interval`; the maximum is ten times it. */
const BASE_INTERVAL_MS = 25;
/** Envoy's default for `rate_limited_retry_back_off.max_interval`. */
const MAX_RESET_MS = 300_000;

const GRPC_CONDITIONS: Readonly<Record<string, number>> = {
  cancelled: GRPC_STATUS.cancelled,
  'deadline-exceeded': GRPC_STATUS.deadlineExceeded,
  internal: GRPC_STATUS.internal,
  'resource-exhausted': GRPC_STATUS.resourceExhausted,
  unavailable: GRPC_STATUS.unavailable,
};

/** Conditions in `retry_on` that this proxy does not know never hold, as in Envoy: that means fewer retries, not other ones. */
export function readRetryPolicy(where: string, message: Message): RetryPolicy {
  const conditions = new Set(message.retryOn.split(',').map((condition) => condition.trim()));
  const statusCodes = conditions.has('retriable-status-codes') ? [...message.retriableStatusCodes] : [];
  if (conditions.has('retriable-4xx')) statusCodes.push(409);
  const baseIntervalMs = message.retryBackOff?.baseInterval ?? BASE_INTERVAL_MS;
  const maxIntervalMs = message.retryBackOff?.maxInterval ?? 10 * baseIntervalMs;
  if (baseIntervalMs <= 0) throw invalid(`${where}.retry_back_off.base_interval`, 'must be more than 0');
  if (maxIntervalMs < baseIntervalMs) {
    throw invalid(`${where}.retry_back_off.max_interval`, 'must not be less than base_interval');
  }
  const headers = conditions.has('retriable-headers') ? message.retriableHeaders : [];
  return {
    retries: message.numRetries ?? 1,
    perTryTimeoutMs: message.perTryTimeout ?? 0,
    perTryIdleTimeoutMs: message.perTryIdleTimeout ?? 0,
    onConnectFailure: conditions.has('connect-failure'),
    onRefusedStream: conditions.has('refused-stream'),
    onReset: conditions.has('reset'),
    onResetBeforeRequest: conditions.has('reset-before-request'),
    onGatewayError: conditions.has('gateway-error'),
    on5xx: conditions.has('5xx'),
    statusCodes,
    grpcStatuses: grpcStatusesOf(conditions),
    headers: headers.map((header, i) => compileHeader(readHeaderMatcher(`${where}.retriable_headers[${i}]`, header))),
    requestHeaders: message.retriableRequestHeaders.map((header, i) =>
      compileHeader(readHeaderMatcher(`${where}.retriable_request_headers[${i}]`, header)),
    ),
    omits: readOmissions(`${where}.retry_host_predicate`, message),
    leavesPrioritiesAfter: readPriority(`${where}.retry_priority`, message),
    baseIntervalMs,
    maxIntervalMs,
    ...readRateLimited(`${where}.rate_limited_retry_back_off`, message),
  };
}

function grpcStatusesOf(conditions: ReadonlySet<string>): number {
  let bits = 0;
  for (const [name, status] of Object.entries(GRPC_CONDITIONS)) if (conditions.has(name)) bits |= 1 << status;
  return bits;
}

function readRateLimited(where: string, message: Message): Pick<RetryPolicy, 'resetHeaders' | 'maxResetMs'> {
  const backOff = message.rateLimitedRetryBackOff;
  if (backOff === undefined) return { resetHeaders: [], maxResetMs: 0 };
  if (backOff.resetHeaders.length === 0) throw invalid(`${where}.reset_headers`, 'required');
  const maxResetMs = backOff.maxInterval ?? MAX_RESET_MS;
  if (maxResetMs <= 0) throw invalid(`${where}.max_interval`, 'must be more than 0');
  const resetHeaders = backOff.resetHeaders.map(({ name, format }, i): ResetHeader => {
    if (format !== Format.SECONDS && format !== Format.UNIX_TIMESTAMP) {
      throw unsupported(`${where}.reset_headers[${i}].format`);
    }
    return { name: new FieldName(name), format: format === Format.SECONDS ? 'seconds' : 'unix' };
  });
  return { resetHeaders, maxResetMs };
}
