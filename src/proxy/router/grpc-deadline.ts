/**
 * A gRPC caller's deadline on its way through this hop: an upper bound that only shrinks. The caller's `grpc-timeout`
 * always counts; the route may bound it (`grpc_timeout_header_max`) or keep a part for the way back
 * (`grpc_timeout_header_offset`). The callee is told what is left when a try begins.
 */
import type { Clock } from '../../core/runtime.ts';
import { grpcTimeoutMs, setGrpcTimeout } from '../../http/grpc/timeout.ts';
import type { Head } from '../../http/head.ts';
import type { ForwardAction } from '../../snapshot/route-table.ts';

export const NO_DEADLINE = Number.POSITIVE_INFINITY;

/** On the clock of `startedAt`. */
export function callerDeadline(request: Head, action: ForwardAction, startedAt: number): number {
  const asked = grpcTimeoutMs(request);
  if (asked < 0) return NO_DEADLINE;
  const bounded = action.maxGrpcTimeoutMs > 0 ? Math.min(asked, action.maxGrpcTimeoutMs) : asked;
  return startedAt + bounded - action.grpcTimeoutOffsetMs;
}

/** Most requests go on within the millisecond in which they came, with the field as it is. */
export function passDeadline(request: Head, deadlineAt: number, clock: Clock): void {
  if (deadlineAt === NO_DEADLINE) return;
  const leftMs = deadlineAt - clock.now();
  if (grpcTimeoutMs(request) - leftMs >= 1) setGrpcTimeout(request, leftMs);
}
