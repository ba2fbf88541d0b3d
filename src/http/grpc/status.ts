/** gRPC's status codes, where they are found in a message, and which of them mean that the callee failed. */
import { FieldName } from '../field-name.ts';
import type { Head } from '../head.ts';

export const GRPC_STATUS = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

export const GRPC_STATUS_FIELD = new FieldName('grpc-status');

/**
 * Those that count against the callee: unknown, deadline-exceeded, internal, unavailable, data-loss. The others answer
 * the caller's own doing, `resource-exhausted` and `unimplemented` included, as 429 and 404 do.
 */
const FAILURES =
  (1 << GRPC_STATUS.unknown) |
  (1 << GRPC_STATUS.deadlineExceeded) |
  (1 << GRPC_STATUS.internal) |
  (1 << GRPC_STATUS.unavailable) |
  (1 << GRPC_STATUS.dataLoss);

/** -1, no gRPC status, is none. */
export function isGrpcFailure(status: number): boolean {
  return status > 0 && ((FAILURES >>> status) & 1) === 1;
}

/** Of trailers, or of a response that ends with its head. -1: it says none; a code that gRPC does not know is `unknown`. */
export function grpcStatusIn(fields: Head): number {
  const index = fields.find(GRPC_STATUS_FIELD);
  if (index < 0) return -1;
  const start = fields.valueStart(index);
  const length = fields.valueEnd(index) - start;
  const first = (fields.bytes[start] ?? 0) - 0x30;
  if (length === 1 && first >= 0 && first <= 9) return first;
  const second = (fields.bytes[start + 1] ?? 0) - 0x30;
  if (length === 2 && first === 1 && second >= 0 && second <= 6) return 10 + second;
  return GRPC_STATUS.unknown;
}

/** gRPC's own mapping (doc/http-grpc-status-mapping.md), which Envoy follows. */
export function grpcStatusOfHttp(status: number): number {
  switch (status) {
    case 200:
      return GRPC_STATUS.ok;
    case 400:
      return GRPC_STATUS.internal;
    case 401:
      return GRPC_STATUS.unauthenticated;
    case 403:
      return GRPC_STATUS.permissionDenied;
    case 404:
      return GRPC_STATUS.unimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return GRPC_STATUS.unavailable;
    default:
      return GRPC_STATUS.unknown;
  }
}
