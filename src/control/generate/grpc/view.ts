/**
 * Everything that a program gets which speaks xDS itself. Nothing of it is a sidecar's: gRPC refuses a resource whole over
 * one field that it does not know.
 */
import type { Workload } from '../../../api/kinds/workload.ts';
import type { Reader } from '../../../api/reader.ts';
import type { Locality } from '../../../policies/policy-kind.ts';
import type { XdsResource } from '../../../xds/resource.ts';
import { endpointsKey } from '../endpoints.ts';
import { httpRoutes } from '../routes/http-routes.ts';
import { servicePortFacts } from '../service-port.ts';
import { usedPorts, usersKey } from '../used-services.ts';
import { grpcClientListeners } from './client-listener.ts';
import { grpcCluster, INVALID_CLUSTER } from './clusters.ts';
import { grpcEndpoints, NO_ENDPOINTS } from './endpoints.ts';
import { grpcRoutes } from './routes.ts';
import { grpcServerListeners } from './server-listener.ts';

interface ProgramKey {
  readonly namespace: string;
  readonly workload: string;
}

export function* proxylessResources(
  read: Reader,
  key: ProgramKey,
  workload: Workload,
  at: Locality,
): Iterable<XdsResource | null> {
  for (const { port } of workload.spec?.ports ?? []) {
    yield* read.view(grpcServerListeners, { ...key, appPort: port });
  }
  yield INVALID_CLUSTER;
  yield NO_ENDPOINTS;
  for (const port of read.view(usedPorts, usersKey(workload, null))) {
    const forCaller = { ...port, caller: key.namespace };
    const listeners = read.view(grpcClientListeners, forCaller);
    if (listeners.length === 0) continue;
    yield* listeners;
    yield read.view(grpcRoutes, forCaller);
    for (const backend of read.view(httpRoutes, { ...forCaller, version: 'http2' }).backends) {
      const portName = read.view(servicePortFacts, backend)?.portName ?? '';
      yield read.view(grpcCluster, backend);
      yield read.view(grpcEndpoints, endpointsKey(read, backend, portName, at));
    }
  }
}
