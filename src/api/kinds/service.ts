/**
 * `v1` Service exactly as Kubernetes has it: the same file works with and without Kubernetes. Weft reads ports, selector
 * and appProtocol; every other field is kept as written and has no effect where there is no Kubernetes.
 */
import { z } from 'zod';
import { kubernetesObject, labels, portName, portNumber, portReference } from '../fields.ts';
import type { Frozen, Kind } from '../kind.ts';
import type { Resource } from '../resource.ts';

const port = kubernetesObject(
  {
    /** Required when there is more than one port. */
    name: portName.optional(),
    /** The virtual port: what callers write. */
    port: portNumber,
    /** The app's port, by number or by the name of a workload's port. Unset: the same as `port`. */
    targetPort: portReference.optional(),
    /** http, kubernetes.io/h2c, grpc, tcp, …; unset: detected from the first bytes. */
    appProtocol: z.string().max(253).optional(),
    /** Unset: TCP. The mesh carries TCP; others are for Kubernetes. */
    protocol: z.enum(['TCP', 'UDP', 'SCTP']).optional(),
    nodePort: z.int().min(0).max(65_535).optional(),
  },
  [],
);

/** The other fields of ServiceSpec in Kubernetes 1.34. */
const KUBERNETES_ONLY = [
  'allocateLoadBalancerNodePorts',
  'externalIPs',
  'externalTrafficPolicy',
  'healthCheckNodePort',
  'internalTrafficPolicy',
  'ipFamilies',
  'ipFamilyPolicy',
  'loadBalancerClass',
  'loadBalancerIP',
  'loadBalancerSourceRanges',
  'sessionAffinityConfig',
  'trafficDistribution',
];

const spec = kubernetesObject(
  {
    ports: z.array(port).max(100).optional(),
    /** The workloads that serve: those with all these labels. Unset or empty: none. */
    selector: labels.optional(),
    type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName']).optional(),
    clusterIP: z.string().max(64).optional(),
    clusterIPs: z.array(z.string().max(64)).max(2).optional(),
    externalName: z.string().max(253).optional(),
    sessionAffinity: z.enum(['None', 'ClientIP']).optional(),
    publishNotReadyAddresses: z.boolean().optional(),
  },
  KUBERNETES_ONLY,
);

const status = z.looseObject({});

export type ServiceSpec = Frozen<z.infer<typeof spec>>;
export type ServicePort = Frozen<z.infer<typeof port>>;
export type ServiceStatus = Frozen<z.infer<typeof status>>;
export type Service = Resource<ServiceSpec, ServiceStatus>;

export const serviceKind: Kind<ServiceSpec, ServiceStatus> = {
  group: '',
  version: 'v1',
  alsoVersions: [],
  kind: 'Service',
  plural: 'services',
  singular: 'service',
  shortNames: ['svc'],
  namespaced: true,
  nameRule: 'label-1035',
  description: 'A name and virtual ports in front of the workloads that a selector matches.',
  spec,
  specRequired: true,
  status,
  immutable: [],
  columns: [
    { name: 'PORTS', wide: false, value: (service) => (service.spec?.ports ?? []).map(portLine).join(', ') },
    { name: 'SELECTOR', wide: true, value: (service) => labelsText(service.spec?.selector) },
  ],
  check(service, report) {
    const ports = service.spec?.ports ?? [];
    const names = new Map<string, number>();
    const numbers = new Map<string, number>();
    ports.forEach((each, index) => {
      if (each.name === undefined) {
        if (ports.length > 1)
          report(['spec', 'ports', index, 'name'], 'is required when a Service has more than one port');
      } else {
        const first = names.get(each.name);
        if (first !== undefined) report(['spec', 'ports', index, 'name'], `repeats the name of ports[${first}]`);
        else names.set(each.name, index);
      }
      const id = `${each.protocol ?? 'TCP'} ${each.port}`;
      const first = numbers.get(id);
      if (first !== undefined) report(['spec', 'ports', index, 'port'], `repeats the port of ports[${first}]`);
      else numbers.set(id, index);
    });
    const external = service.spec?.type === 'ExternalName';
    if (ports.length === 0 && !external && service.spec?.clusterIP !== 'None') {
      report(['spec', 'ports'], 'must have at least one port', 'For example: ports: [{port: 80, targetPort: 8080}]');
    }
  },
};

/** The app's port behind a port of the Service: a number, or the name of a workload's port. */
export function targetPortOf(port: ServicePort): number | string {
  return port.targetPort ?? port.port;
}

function portLine(port: ServicePort): string {
  const target = targetPortOf(port);
  const arrow = target === port.port ? '' : `→${target}`;
  const protocol = port.appProtocol ?? (port.protocol === undefined || port.protocol === 'TCP' ? '' : port.protocol);
  return `${port.port}${arrow}${protocol === '' ? '' : `/${protocol}`}`;
}

function labelsText(selector: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(selector ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}
