/** What a retry policy finds in the head of a response: whether it asks for another try, and when the server wants it. */
import { grpcStatusIn } from '../http/grpc/status.ts';
import type { Head } from '../http/head.ts';
import { headerMatches } from '../http/match/header.ts';
import type { ResetHeader, RetryPolicy } from './retry-policy.ts';

/** No number or date of HTTP is longer. */
const MAX_VALUE_BYTES = 40;

/** Asked before a response is passed on. `isGrpc`: of the request. */
export function isRetriableResponse(policy: RetryPolicy, head: Head, isGrpc: boolean): boolean {
  if (isRetriableStatus(policy, head.status)) return true;
  if (isGrpc && policy.grpcStatuses !== 0) {
    // Only a response that ends with its head says so here; a later status comes too late for another try.
    const status = grpcStatusIn(head);
    if (status >= 0 && ((policy.grpcStatuses >>> status) & 1) === 1) return true;
  }
  return policy.headers.length > 0 && policy.headers.some((header) => headerMatches(header, head));
}

/** Milliseconds from now that the server asks for, 0: none, or more than the policy waits. `wallMs`: since 1970. */
export function resetAfterMs(policy: RetryPolicy, head: Head, wallMs: number): number {
  for (const header of policy.resetHeaders) {
    const index = head.find(header.name);
    if (index < 0 || head.valueEnd(index) - head.valueStart(index) > MAX_VALUE_BYTES) continue;
    const afterMs = readReset(header, head.text(index), wallMs);
    if (afterMs > 0 && afterMs <= policy.maxResetMs) return afterMs;
  }
  return 0;
}

/** Of several conditions one has to hold (Envoy's `retriable_request_headers`); none: it always holds. */
export function coversRequest(policy: RetryPolicy, request: Head): boolean {
  return policy.requestHeaders.length === 0 || policy.requestHeaders.some((header) => headerMatches(header, request));
}

function isRetriableStatus(policy: RetryPolicy, status: number): boolean {
  if (status < 400) return policy.statusCodes.length > 0 && policy.statusCodes.includes(status);
  if (policy.on5xx && status >= 500) return true;
  if (policy.onGatewayError && status >= 502 && status <= 504) return true;
  return policy.statusCodes.includes(status);
}

/** A number, or the date that `Retry-After` may hold instead (RFC 9110 section 10.2.3). NaN: neither. */
function readReset(header: ResetHeader, value: string, wallMs: number): number {
  if (!/^\d+$/.test(value)) return header.format === 'seconds' ? Date.parse(value) - wallMs : Number.NaN;
  return header.format === 'seconds' ? Number(value) * 1_000 : Number(value) * 1_000 - wallMs;
}
