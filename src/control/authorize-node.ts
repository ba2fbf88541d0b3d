/** Which certificate may ask for the configuration of which workload: the one that was issued to that workload. */
import type { PeerCertificate } from '../core/runtime.ts';
import type { Workload } from '../api/kinds/workload.ts';
import { readSpiffeId, readWorkloadIdentity } from '../identity/spiffe-id.ts';
import type { MeshIndex } from './index/mesh-index.ts';

/** null accepts; a text refuses and is the reason in the log. */
export function authorizeNode(index: MeshIndex): (nodeId: string, peer: PeerCertificate) => string | null {
  return (nodeId, peer) => {
    if (peer.commonName !== nodeId)
      return `the certificate was issued to ${peer.commonName.slice(0, 200)}, not to ${nodeId}`;
    const [namespace = '', name = ''] = nodeId.split('/');
    const workload = index.get({ kind: 'Workload', namespace, name }) as Workload | null;
    if (workload === null) return `workload ${nodeId} is not registered`;
    const id = readSpiffeId(peer.uris[0] ?? '');
    const identity = typeof id === 'string' ? null : readWorkloadIdentity(id);
    if (identity?.account !== workload.spec?.account) return `workload ${nodeId} is registered with another account`;
    return null;
  };
}

/** What kind of proxy stands beside the workload, as its record says; empty when it says nothing. */
export function recordedKind(index: MeshIndex): (nodeId: string) => string {
  return (nodeId) => {
    const [namespace = '', name = ''] = nodeId.split('/');
    return (index.get({ kind: 'Workload', namespace, name }) as Workload | null)?.spec?.proxy ?? '';
  };
}
