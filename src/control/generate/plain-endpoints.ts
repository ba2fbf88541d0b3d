/**
 * Whether some of those behind a port are spoken to without mTLS, as their application speaks. Our own proxy decides
 * that for each endpoint; to Envoy a cluster has one version of HTTP, so it must be one that all of them understand.
 */
import type { View } from '../../api/reader.ts';
import { portKeyText, type ServicePortKey } from './names.ts';
import { inboundMode } from './peer-mode.ts';
import { servicePort } from './service-port.ts';

export const hasPlainEndpoints: View<ServicePortKey, boolean> = {
  name: 'has-plain-endpoints',
  id: portKeyText,
  derive(read, key) {
    const { backing = [] } = read.view(servicePort, key) ?? {};
    return backing.some(({ workload, port }) => {
      if (workload.spec?.proxy === 'grpc') return false;
      return port.proxyPort === undefined || inboundMode(read, workload, port.port) === 'disabled';
    });
  },
  same: (a, b) => a === b,
};
