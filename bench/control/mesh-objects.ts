/**
 * The mesh that the control plane is measured with: services of five endpoints, whose workloads call twenty others. One
 * service is used by all, as an identity provider is; the others by two per cent each. The same on every run.
 */
import type { Service } from '../../src/api/kinds/service.ts';
import type { Workload } from '../../src/api/kinds/workload.ts';
import type { Resource } from '../../src/api/resource.ts';
import { networkAddress, planVips } from '../../src/capture/vip.ts';

export const NAMESPACE = 'default';
export const ENDPOINTS = 5;
const USES = 20;
/** Every fifth service has a route of its own. */
const ROUTED = 5;
export const PORT = 80;

/** The service that all workloads use. */
export const POPULAR = 0;

/** Names have one length, so that certificates can be made from one template. */
export function serviceName(service: number): string {
  return `svc-${String(service).padStart(4, '0')}`;
}

export interface Member {
  readonly service: number;
  readonly replica: number;
}

/** The proxies in the order in which they connect: first one of each service, then the second of each. */
export function memberAt(index: number, services: number): Member {
  return { service: index % services, replica: Math.floor(index / services) };
}

export function memberName({ service, replica }: Member): string {
  return `${serviceName(service)}-${replica}`;
}

/** What a workload of this service calls: the same for all of its replicas. */
export function usesOf(service: number, services: number): number[] {
  const uses = new Set([POPULAR]);
  // A walk with a stride of its own spreads users evenly, without chance.
  for (let step = 1; uses.size < Math.min(USES, services); step++) {
    uses.add((service * 7 + step * (31 + (service % 13)) + step * step) % services);
  }
  return [...uses];
}

export function serviceObject(service: number): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: serviceName(service), namespace: NAMESPACE },
    spec: {
      selector: { app: serviceName(service) },
      ports: [{ name: 'main', port: PORT, targetPort: 'main', appProtocol: 'http' }],
    },
  };
}

/** As `weft run` writes it, but without a lease: nobody renews it here. */
export function workloadObject(member: Member, services: number, address = addressOf(member)): Workload {
  const name = serviceName(member.service);
  const uses = usesOf(member.service, services).map(serviceName);
  const index = member.service * ENDPOINTS + member.replica;
  const network = { x: 1 + Math.floor(index / 250), y: 1 + (index % 250) };
  const { vips } = planVips(
    network,
    uses.map((service) => ({ namespace: NAMESPACE, service, ports: [PORT] })),
  );
  return {
    apiVersion: 'weft.mesh/v1',
    kind: 'Workload',
    metadata: { name: memberName(member), namespace: NAMESPACE, labels: { app: name } },
    spec: {
      service: name,
      account: name,
      address,
      ports: [{ name: 'main', port: 8080, proxyPort: 15_006, protocol: 'http' }],
      capture: { httpProxyPort: 15_001, vips },
      uses,
    },
  };
}

function addressOf({ service, replica }: Member): string {
  return `10.${replica}.${service >> 8}.${service & 255}`;
}

/** An address that no other change gives: how a proxy that has the change is told from one that has not. */
export function stampedAddress(change: number): string {
  return networkAddress({ x: 100 + (change >> 16), y: (change >> 8) & 255 }, change & 255).replace(/^127/, '10');
}

export function routeObject(service: number, change: number): Resource {
  const name = serviceName(service);
  const backendRefs = [{ name, port: PORT }];
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name, namespace: NAMESPACE },
    spec: {
      parentRefs: [{ group: '', kind: 'Service', name }],
      rules: [{ matches: [{ path: { type: 'PathPrefix', value: routeStamp(change) } }], backendRefs }, { backendRefs }],
    },
  };
}

export function routeStamp(change: number): string {
  return `/change-${change}-`;
}

export function meshObjects(services: number): Resource[] {
  const all = Array.from({ length: services }, (_, service) => service);
  return [
    ...all.map(serviceObject),
    ...all.flatMap((service) =>
      Array.from({ length: ENDPOINTS }, (_, replica) => workloadObject({ service, replica }, services)),
    ),
    ...all.filter((service) => service % ROUTED === 0).map((service) => routeObject(service, 0)),
  ];
}
