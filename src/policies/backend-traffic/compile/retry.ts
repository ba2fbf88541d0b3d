/**
 * `retry` → Envoy's RetryPolicy. A connection that was never made is safe for every request; a reset or a 503 may have
 * been processed, so that only idempotent requests are sent again. The budget stands in the cluster.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  RetryPolicy_ResetHeaderFormat,
  type RetryPolicySchema,
} from '../../../protos/gen/envoy/config/route/v3/route_components_pb.ts';
import { PreviousHostsPredicateSchema } from '../../../protos/gen/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.ts';
import { durationOf, pack } from '../../../protos/init.ts';
import type { BackendTrafficSpec } from '../kind.ts';
import type { RETRY_CONDITIONS } from '../sections/retry.ts';
import { millisecondsOf } from './values.ts';

type Retry = NonNullable<BackendTrafficSpec['retry']>;
type RetryPolicyInit = MessageInitShape<typeof RetryPolicySchema>;
type Condition = (typeof RETRY_CONDITIONS)[number];

const DEFAULT_CONDITIONS: readonly Condition[] = ['connect-failure', 'refused-stream', 'reset'];
const DEFAULT_STATUSES = [503];

/** Nothing was processed; or a gRPC server said what it means, and whoever names that status has thought about it. */
const SAFE_FOR_ALL: ReadonlySet<Condition> = new Set([
  'connect-failure',
  'refused-stream',
  'reset-before-request',
  'cancelled',
  'deadline-exceeded',
  'internal',
  'resource-exhausted',
  'unavailable',
]);

/** Draws before a host that was tried already is taken again. */
const OTHER_HOST_DRAWS = 5n;
const ANOTHER_HOST = {
  name: 'envoy.retry_host_predicates.previous_hosts',
  configType: { case: 'typedConfig' as const, value: pack(PreviousHostsPredicateSchema, {}) },
};

/** Whether everything that is retried is so for all requests of a route. */
export function retriesAll(section: Retry | undefined, idempotent: boolean): boolean {
  return idempotent || section?.methods === 'All';
}

/** `perTryTimeoutMs`: 0 for none. */
export function retryPolicy(section: Retry = {}, idempotent: boolean, perTryTimeoutMs: number): RetryPolicyInit {
  const all = retriesAll(section, idempotent);
  const conditions = (section.on ?? DEFAULT_CONDITIONS).filter((condition) => all || SAFE_FOR_ALL.has(condition));
  const statuses = all ? [...(section.statuses ?? DEFAULT_STATUSES)] : [];
  const baseMs = millisecondsOf(section.backOff?.base, '25ms');
  const maxMs =
    section.backOff?.max === undefined ? Math.max(baseMs, 250) : millisecondsOf(section.backOff.max, '250ms');
  return {
    retryOn: [...conditions, ...(statuses.length > 0 ? ['retriable-status-codes'] : [])].join(','),
    numRetries: section.attempts ?? 2,
    retryBackOff: { baseInterval: durationOf(baseMs), maxInterval: durationOf(maxMs) },
    retriableStatusCodes: statuses,
    retryHostPredicate: [ANOTHER_HOST],
    hostSelectionRetryMaxAttempts: OTHER_HOST_DRAWS,
    ...(perTryTimeoutMs > 0 ? { perTryTimeout: durationOf(perTryTimeoutMs) } : {}),
    ...(section.retryAfter === undefined ? {} : { rateLimitedRetryBackOff: retryAfter(section.retryAfter.max) }),
  };
}

function retryAfter(max: string | undefined): NonNullable<RetryPolicyInit['rateLimitedRetryBackOff']> {
  return {
    resetHeaders: [{ name: 'retry-after', format: RetryPolicy_ResetHeaderFormat.SECONDS }],
    maxInterval: durationOf(millisecondsOf(max, '5m')),
  };
}
