/** Which protocol a Service's port carries: said by `appProtocol`, else by the workloads behind it, else detected. */
import type { WorkloadPort } from '../../api/kinds/workload.ts';

/** Empty: detected from the first bytes of each connection. */
export type PortProtocol = 'http' | 'tcp' | '';

/** Values of Kubernetes' appProtocol (KEP-3726 and IANA names) that mean HTTP in some version. */
const HTTP = new Set(['http', 'http2', 'grpc', 'grpc-web', 'kubernetes.io/h2c', 'kubernetes.io/ws']);

export function protocolOf(appProtocol: string | undefined, behind: readonly WorkloadPort[]): PortProtocol {
  if (appProtocol !== undefined && appProtocol !== '') return HTTP.has(appProtocol.toLowerCase()) ? 'http' : 'tcp';
  const said = new Set(behind.map((port) => port.protocol ?? ''));
  if (said.size !== 1) return '';
  const [only = ''] = said;
  if (only === '') return '';
  return only === 'tcp' ? 'tcp' : 'http';
}
