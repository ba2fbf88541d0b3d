/**
 * Everything that a program gets which speaks xDS itself, in two layers: its own servers, and what all such programs with
 * equal uses in one place share. Nothing of it is a sidecar's: gRPC refuses a resource whole over one field that it does
 * not know.
 */
import type { Workload } from '../../../api/kinds/workload.ts';
import type { View } from '../../../api/reader.ts';
import type { Locality } from '../../../policies/policy-kind.ts';
import type { XdsResource, XdsView } from '../../../xds/resource.ts';
import { endpointsKey } from '../endpoints.ts';
import { portKeyText } from '../names.ts';
import type { ProxyKey } from '../own-resources.ts';
import { NOTHING, resourceSet } from '../resource-set.ts';
import type { CallerPortKey } from '../routes/caller.ts';
import { routeBackends } from '../routes/http-routes.ts';
import { servicePortFacts } from '../service-port.ts';
import { type UsersKey, usedPorts } from '../used-services.ts';
import { grpcClientListeners } from './client-listener.ts';
import { grpcCluster, INVALID_CLUSTER } from './clusters.ts';
import { grpcEndpoints, NO_ENDPOINTS } from './endpoints.ts';
import { grpcRoutes } from './routes.ts';
import { grpcServerListeners } from './server-listener.ts';

export const grpcServers: View<ProxyKey, XdsView> = {
  name: 'grpc-servers',
  id: (key) => `${key.namespace}/${key.workload}`,
  derive(read, key, previous) {
    const workload = read.get({ kind: 'Workload', namespace: key.namespace, name: key.workload }) as Workload | null;
    if (workload === null) return NOTHING;
    const ports = workload.spec?.ports ?? [];
    const listeners = ports.flatMap(({ port }) => read.view(grpcServerListeners, { ...key, appPort: port }));
    return resourceSet(listeners, previous);
  },
  same: (a, b) => a === b,
};

export interface GrpcClientsKey extends Pick<UsersKey, 'namespace' | 'uses'> {
  readonly at: Locality;
}

export const grpcClients: View<GrpcClientsKey, XdsView> = {
  name: 'grpc-clients',
  id: ({ namespace, uses, at }) => `${namespace} ${at.region}/${at.zone} ${uses ?? '*'}`,
  derive(read, key, previous) {
    const resources: XdsResource[] = [INVALID_CLUSTER, NO_ENDPOINTS];
    for (const port of read.view(usedPorts, key)) {
      resources.push(...read.view(portResources, { ...port, caller: key.namespace, at: key.at }));
    }
    return resourceSet(resources, previous);
  },
  same: (a, b) => a === b,
};

interface PortUseKey extends CallerPortKey {
  readonly at: Locality;
}

const portResources: View<PortUseKey, readonly XdsResource[]> = {
  name: 'grpc-port-resources',
  id: ({ at, ...key }) => `${portKeyText(key)} for ${key.caller} at ${at.region}/${at.zone}`,
  derive(read, { at, ...key }) {
    const listeners = read.view(grpcClientListeners, key);
    if (listeners.length === 0) return [];
    const found: (XdsResource | null)[] = [...listeners, read.view(grpcRoutes, key)];
    for (const backend of read.view(routeBackends, { ...key, version: 'http2' })) {
      const portName = read.view(servicePortFacts, backend)?.portName ?? '';
      found.push(read.view(grpcCluster, backend), read.view(grpcEndpoints, endpointsKey(read, backend, portName, at)));
    }
    return found.filter((resource) => resource !== null);
  },
  same: (a, b) => a.length === b.length && a.every((resource, i) => resource === b[i]),
};
