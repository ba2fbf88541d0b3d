/** What the control plane offers besides objects: leases, its version, its view of the proxies. */
import type { Origin } from '../api/resource.ts';
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

/** One page of what a proxy is offered; pass `continue` on until it is empty. */
export interface OfferedPage {
  /** The proxy has a stream open. */
  readonly connected: boolean;
  readonly kind: string;
  readonly userAgent: string;
  readonly resources: readonly OfferedEntry[];
  readonly continue: string;
}

export interface OfferedEntry {
  /** `Cluster` */
  readonly type: string;
  readonly name: string;
  /** null: the proxy has it still, and it is not offered any more. */
  readonly version: string | null;
  readonly origins: readonly Origin[];
  /** The proxy has asked for it. */
  readonly wanted: boolean;
  /** The version that the proxy confirmed. */
  readonly acknowledged: string | null;
  /** The version that it refuses. */
  readonly refused: string | null;
  /** The protobuf message; null: not offered, or a secret that is not shown. */
  readonly base64: string | null;
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

/** `type`: `Cluster`; null: every type. `from`: the `continue` of the page before, empty for the first. */
export function offeredPage(
  transport: HttpTransport,
  namespace: string,
  workload: string,
  type: string | null,
  from: string,
): Promise<OfferedPage> {
  const query = { type: type ?? undefined, continue: from === '' ? undefined : from };
  return call(transport, 'GET', `${objectPath(WORKLOADS, namespace, workload)}/xds`, { query });
}
