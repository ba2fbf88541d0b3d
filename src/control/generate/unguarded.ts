/**
 * Ports before which nothing stands that could enforce a policy about security. Callers of the mesh are kept from them, as from
 * a listener that is closed; what reaches them beside the mesh no policy can stop.
 */
import type { Workload, WorkloadPort } from '../../api/kinds/workload.ts';
import type { Reader } from '../../api/reader.ts';
import { policyKinds } from '../../policies/all.ts';

/** No sidecar, and no server that enforces by itself. */
export function isBare({ spec }: Workload, port: WorkloadPort): boolean {
  return spec?.proxy === 'none' || (spec?.proxy !== 'grpc' && port.proxyPort === undefined);
}

export function isUnguarded(read: Reader, workload: Workload, port: WorkloadPort): boolean {
  return isBare(workload, port) && policyKinds.some((kind) => kind.guards?.(workload, read) === true);
}
