/**
 * How gRPC programs reach a port without a proxy of their own. A cluster of theirs has one transport and knows nothing of
 * transport matches, so endpoints that need the other one are left out: never is a call sent in clear text because one
 * endpoint of several takes nothing else.
 */
import type { Reader, View } from '../../../api/reader.ts';
import { portKeyText, type ServicePortKey } from '../names.ts';
import { inboundMode } from '../peer-mode.ts';
import { catchesAnyH2, portProtocol } from '../protocol.ts';
import { type Backing, servicePort } from '../service-port.ts';

/** Whether a port's endpoints are called over mTLS: as soon as one takes it, ready or not. */
export const callsOverMtls: View<ServicePortKey, boolean> = {
  name: 'grpc-mtls',
  id: portKeyText,
  derive: (read, key) => read.view(servicePort, key)?.backing.some((each) => takesMtls(read, each)) ?? false,
  same: (a, b) => a === b,
};

/** Of mTLS with ALPN `h2`: no gRPC client knows the names that sidecars have among themselves. */
export function takesMtls(read: Reader, { workload, port }: Backing): boolean {
  const mode = inboundMode(read, workload, port.port);
  if (mode === 'disabled') return false;
  if (workload.spec?.proxy === 'grpc') return true;
  if (port.proxyPort === undefined) return false;
  return catchesAnyH2(mode, portProtocol(port));
}
