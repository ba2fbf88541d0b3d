/** Which protocol a Service's port carries: said by `appProtocol`, else by the workloads behind it, else detected. */
import type { WorkloadPort } from '../../api/kinds/workload.ts';
import type { HttpVersion } from './names.ts';

/** `http` is HTTP/1.1, `http2` HTTP/2 by prior knowledge. Empty: detected from the first bytes of each connection. */
export type PortProtocol = HttpVersion | 'tcp' | '';

/** Values of Kubernetes' appProtocol (KEP-3726 and IANA names) and of a workload's port that mean HTTP; others are TCP. */
const HTTP = new Map<string, HttpVersion>([
  ['http', 'http'],
  ['grpc-web', 'http'],
  ['kubernetes.io/ws', 'http'],
  ['http2', 'http2'],
  ['grpc', 'http2'],
  ['kubernetes.io/h2c', 'http2'],
]);

export function protocolOf(appProtocol: string | undefined, behind: readonly WorkloadPort[]): PortProtocol {
  if (appProtocol !== undefined && appProtocol !== '') return protocolNamed(appProtocol);
  const said = new Set(behind.map((port) => portProtocol(port)));
  const [only = ''] = said;
  return said.size === 1 ? only : '';
}

export function portProtocol(port: WorkloadPort): PortProtocol {
  return port.protocol === undefined || port.protocol === '' ? '' : protocolNamed(port.protocol);
}

/** The HTTP that a port's callers may be sent in: what is declared, else whatever they came with. */
export function httpVersionsOf(protocol: PortProtocol): readonly HttpVersion[] {
  if (protocol === 'tcp') return [];
  return protocol === '' ? ['http', 'http2'] : [protocol];
}

/**
 * Whether TLS with ALPN `h2` is the mesh's whatever server name it comes with: gRPC clients send that of their target, or
 * none. On a permissive port it may be the application's own instead, unless the port declares HTTP in clear text.
 */
export function catchesAnyH2(mode: 'strict' | 'permissive', declared: PortProtocol): boolean {
  return mode === 'strict' || declared === 'http' || declared === 'http2';
}

function protocolNamed(name: string): PortProtocol {
  return HTTP.get(name.toLowerCase()) ?? 'tcp';
}
