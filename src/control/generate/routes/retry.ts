/**
 * What is tried again where nobody said otherwise. A connection that was never made is safe for every request; a reset
 * or a 503 may have been processed, so only idempotent requests are sent again. The budget stands in the cluster.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { RetryPolicySchema } from '../../../protos/gen/envoy/config/route/v3/route_components_pb.ts';
import { durationOf } from '../resource.ts';

const RETRIES = 2;
const BACK_OFF = { baseInterval: durationOf(25), maxInterval: durationOf(250) };

export function retryPolicy(idempotent: boolean, perTryTimeoutMs: number): MessageInitShape<typeof RetryPolicySchema> {
  return {
    retryOn: idempotent
      ? 'connect-failure,refused-stream,reset,retriable-status-codes'
      : 'connect-failure,refused-stream',
    numRetries: RETRIES,
    retryBackOff: BACK_OFF,
    ...(idempotent ? { retriableStatusCodes: [503] } : {}),
    ...(perTryTimeoutMs > 0 ? { perTryTimeout: durationOf(perTryTimeoutMs) } : {}),
  };
}
