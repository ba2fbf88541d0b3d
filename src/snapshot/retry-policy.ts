/** A route's retry policy in the form that a failed try is held against. Read from Envoy's in `read/retry-policy.ts`. */
import type { FieldName } from '../http/field-name.ts';
import type { CompiledHeader } from '../http/match/header.ts';
import type { Labels } from './subset-match.ts';

export interface RetryPolicy {
  /** Retries after the first try. */
  readonly retries: number;
  /** From the end of the request to the head of the response; 0: the request timeout only. */
  readonly perTryTimeoutMs: number;
  /** Without a byte from or to the upstream; 0: unbounded. */
  readonly perTryIdleTimeoutMs: number;
  readonly onConnectFailure: boolean;
  readonly onRefusedStream: boolean;
  /** Any reset, a disconnect without a response included. */
  readonly onReset: boolean;
  /** A reset before a byte of the request was sent. */
  readonly onResetBeforeRequest: boolean;
  readonly onGatewayError: boolean;
  readonly on5xx: boolean;
  readonly statusCodes: readonly number[];
  /** Of a response that ends with its head: one bit a gRPC status. */
  readonly grpcStatuses: number;
  /** Of a response: one that matches makes it retriable. */
  readonly headers: readonly CompiledHeader[];
  /** Of a request: unless one of them matches nothing is retried; empty: no such condition. */
  readonly requestHeaders: readonly CompiledHeader[];
  readonly baseIntervalMs: number;
  readonly maxIntervalMs: number;
  /** Hosts with all labels of one of these get no retry while there are others. */
  readonly omits: readonly Labels[];
  /** After every so many tries the priorities of their hosts are left for others; 0: never. */
  readonly leavesPrioritiesAfter: number;
  /** Fields by which a server says when to come back. */
  readonly resetHeaders: readonly ResetHeader[];
  /** What a server asks for beyond this is not followed. */
  readonly maxResetMs: number;
}

export interface ResetHeader {
  readonly name: FieldName;
  /** Seconds from now, or seconds since 1970. */
  readonly format: 'seconds' | 'unix';
}
