/** What the control plane offers besides objects: leases, its version, its view of the proxies. */
import { call } from './caller.ts';
import { objectPath, WORKLOADS } from './kind-ref.ts';
import type { HttpTransport } from './transport.ts';

export interface LeaseRequest {
  /** Whether the workload takes traffic. */
  readonly ready: boolean;
  /** Leave the endpoints; the answer waits up to 5 s until the proxies that had them acknowledged. */
  readonly drain?: boolean;
  /** Unset: 15. */
  readonly leaseSeconds?: number;
}

export interface LeaseAnswer {
  readonly ready: boolean;
  /** Every connected proxy has the workload's present state. */
  readonly acknowledged: boolean;
  readonly leaseSeconds: number;
}

export interface ServerVersion {
  readonly gitVersion: string;
  readonly [field: string]: unknown;
}

/** Typed loosely: newer control planes say more. */
export interface MeshStatus {
  readonly proxies?: readonly Readonly<Record<string, unknown>>[];
  readonly [field: string]: unknown;
}

const LEASE_TIMEOUT_MS = 10_000;

/** Throws `not-found` when the workload must register anew. */
export function renewLease(
  transport: HttpTransport,
  namespace: string,
  workload: string,
  request: LeaseRequest,
  signal?: AbortSignal,
): Promise<LeaseAnswer> {
  const path = `${objectPath(WORKLOADS, namespace, workload)}/lease`;
  return call(transport, 'POST', path, { body: request, timeoutMs: LEASE_TIMEOUT_MS, signal });
}

export function serverVersion(transport: HttpTransport): Promise<ServerVersion> {
  return call(transport, 'GET', '/version', { timeoutMs: 5_000 });
}

export function meshStatus(transport: HttpTransport): Promise<MeshStatus> {
  return call(transport, 'GET', '/apis/weft.mesh/v1/meshstatus');
}
