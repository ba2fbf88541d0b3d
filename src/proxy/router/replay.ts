/** Whether a request may be read by more than one try: again after one has failed, or by two at once. */
import { isIdempotent, type Method } from '../../http/method.ts';
import type { RetryPolicy } from '../../snapshot/retry-policy.ts';

/** Whether the body is worth remembering after it was sent: something could ask for it again. */
export function mayReplay(method: Method, policy: RetryPolicy | null): boolean {
  // Also without a policy: a kept-alive connection that was dead says nothing about the request.
  if (isIdempotent(method)) return true;
  if (policy === null) return false;
  if (policy.onRefusedStream || policy.statusCodes.length > 0 || policy.grpcStatuses !== 0) return true;
  return mayRepeat(method, policy) || policy.headers.length > 0;
}

/** Whether it may be acted on twice: by its method, or because the policy repeats what may have been acted on. */
export function mayRepeat(method: Method, policy: RetryPolicy | null): boolean {
  if (isIdempotent(method)) return true;
  return policy !== null && (policy.onReset || policy.on5xx || policy.onGatewayError);
}
