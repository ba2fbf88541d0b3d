/** `limits` → Envoy's circuit breakers. Without a policy these are the defaults of every cluster. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { CircuitBreakersSchema } from '../../../protos/gen/envoy/config/cluster/v3/circuit_breaker_pb.ts';
import type { BackendTrafficSpec } from '../kind.ts';

type Limits = NonNullable<BackendTrafficSpec['limits']>;

/**
 * Envoy's own defaults for one host; and a retry budget of a fifth instead of a fixed number of retries. The budget counts
 * what is active at once, and an instance of three that dies leaves a third of that to be tried again: the minimum, above
 * Envoy's 3, lets a service of ordinary size survive it, and bounds the storm all the same.
 */
export function circuitBreakers(section: Limits = {}): MessageInitShape<typeof CircuitBreakersSchema> {
  const { retries, retryBudget: budget = {} } = section;
  const retryLimit =
    retries === undefined
      ? { retryBudget: { budgetPercent: { value: budget.percent ?? 20 }, minRetryConcurrency: budget.minimum ?? 25 } }
      : { maxRetries: retries };
  return {
    thresholds: [
      {
        maxConnections: section.connections ?? 1024,
        maxPendingRequests: section.pendingRequests ?? 1024,
        maxRequests: section.requests ?? 1024,
        ...retryLimit,
      },
    ],
  };
}
