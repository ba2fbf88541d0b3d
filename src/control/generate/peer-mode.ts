/** Which mTLS mode the inbound port of a workload has: the policies that attach to it, then the mesh. */
import type { Mesh, MtlsMode } from '../../api/kinds/mesh.ts';
import type { Workload } from '../../api/kinds/workload.ts';
import type { Reader } from '../../api/reader.ts';
import { effectiveMode } from '../../policies/peer-authentication/effective-mode.ts';
import { targetedServices } from '../../policies/workload-target.ts';
import type { PeerAuthentication } from '../../policies/peer-authentication/kind.ts';

export function inboundMode(read: Reader, workload: Workload, appPort: number): MtlsMode {
  const namespace = workload.metadata.namespace ?? '';
  const policies = read.list('PeerAuthentication', namespace) as readonly PeerAuthentication[];
  const settings = read.get({ kind: 'Mesh', namespace: '', name: 'default' }) as Mesh | null;
  const services = targetedServices(read, namespace, policies);
  return effectiveMode({ policies, services, workload, appPort, mesh: settings?.spec?.mtls?.mode ?? 'strict' }).mode;
}
