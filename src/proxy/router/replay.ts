/** Whether the body of a request is worth remembering after it was sent: something could ask for it again. */
import { isIdempotent, type Method } from '../../http/method.ts';
import type { RetryPolicy } from '../../snapshot/retry-policy.ts';

export function mayReplay(method: Method, policy: RetryPolicy | null): boolean {
  // Also without a policy: a kept-alive connection that was dead says nothing about the request.
  if (isIdempotent(method)) return true;
  if (policy === null) return false;
  return policy.onReset || policy.on5xx || policy.onGatewayError || policy.statusCodes.length > 0;
}
