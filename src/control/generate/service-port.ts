/**
 * One port of one Service with what stands behind it: the workloads that its selector matches, their protocol and their
 * identities. Clusters, endpoints, routes and listeners all derive from this view.
 */
import { workloadId } from '../../identity/spiffe-id.ts';
import { targetPortOf, type Service, type ServicePort } from '../../api/kinds/service.ts';
import type { Workload, WorkloadPort } from '../../api/kinds/workload.ts';
import type { Reader, View } from '../../api/reader.ts';
import { meshSettings } from './mesh-settings.ts';
import { type ServicePortKey, portKeyText } from './names.ts';
import { type PortProtocol, protocolOf } from './protocol.ts';

export interface Backing {
  readonly workload: Workload;
  readonly port: WorkloadPort;
}

export interface ServicePortView {
  readonly service: Service;
  readonly portName: string;
  readonly protocol: PortProtocol;
  readonly backing: readonly Backing[];
  /** SPIFFE ids that may answer for the service, sorted. Empty: nobody may. */
  readonly identities: readonly string[];
}

/** null when the Service or the port does not exist. */
export const servicePort: View<ServicePortKey, ServicePortView | null> = {
  name: 'service-port',
  id: portKeyText,
  derive(read, key) {
    const service = read.get({ kind: 'Service', namespace: key.namespace, name: key.service }) as Service | null;
    const port = service?.spec?.ports?.find((each) => each.port === key.port && isTcp(each));
    if (service === null || port === undefined) return null;
    const backing = backingOf(read, service, port);
    const { trustDomain } = read.view(meshSettings, null);
    const accounts = new Set(backing.map(({ workload }) => workload.spec?.account ?? ''));
    const identities = [...accounts]
      .filter((account) => account !== '')
      .map((account) => workloadId(trustDomain, key.namespace, account).text)
      .toSorted();
    const protocol = protocolOf(
      port.appProtocol,
      backing.map((each) => each.port),
    );
    return { service, portName: port.name ?? '', protocol, backing, identities };
  },
  same: (a, b) => a === b,
};

/** What clusters and routes need of a port; unlike the whole view it does not change with readiness. */
export interface ServicePortFacts {
  readonly protocol: PortProtocol;
  readonly portName: string;
  readonly identities: readonly string[];
  readonly service: Service;
  /** Whether a gRPC server without a proxy is among those behind it. */
  readonly proxyless: boolean;
}

export const servicePortFacts: View<ServicePortKey, ServicePortFacts | null> = {
  name: 'service-port-facts',
  id: portKeyText,
  derive(read, key) {
    const view = read.view(servicePort, key);
    if (view === null) return null;
    const { protocol, portName, identities, service, backing } = view;
    const proxyless = backing.some(({ workload }) => workload.spec?.proxy === 'grpc');
    return { protocol, portName, identities, service, proxyless };
  },
  same: (a, b) =>
    a === b ||
    (a !== null &&
      b !== null &&
      a.protocol === b.protocol &&
      a.portName === b.portName &&
      a.proxyless === b.proxyless &&
      a.service.metadata.resourceVersion === b.service.metadata.resourceVersion &&
      a.identities.join() === b.identities.join()),
};

/** The TCP ports of a Service, as keys. */
export function portKeysOf(service: Service): ServicePortKey[] {
  const namespace = service.metadata.namespace ?? '';
  const ports = (service.spec?.ports ?? []).filter(isTcp);
  return ports.map((port) => ({ namespace, service: service.metadata.name, port: port.port }));
}

function isTcp(port: ServicePort): boolean {
  return port.protocol === undefined || port.protocol === 'TCP';
}

function backingOf(read: Reader, service: Service, port: ServicePort): Backing[] {
  const selector = service.spec?.selector ?? {};
  const workloads = read.select('Workload', { namespace: service.metadata.namespace ?? '', labels: selector });
  const target = targetPortOf(port);
  const backing: Backing[] = [];
  for (const workload of workloads as readonly Workload[]) {
    const matched = workload.spec?.ports.find((each) =>
      typeof target === 'number' ? each.port === target : each.name === target,
    );
    if (matched !== undefined) backing.push({ workload, port: matched });
  }
  return backing;
}
