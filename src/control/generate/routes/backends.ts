/**
 * The backends of a rule as weighted clusters. A share whose backend cannot be used still gets its share of requests,
 * and those are answered with an error, as Gateway API prescribes: moving it to the others would hide the mistake.
 */
import type { BackendRef } from '../../../api/kinds/route.ts';
import type { Reader } from '../../../api/reader.ts';
import { type Carries, clusterName, INVALID_BACKEND, type ServicePortKey } from '../names.ts';
import { servicePortFacts } from '../service-port.ts';

export interface WeightedBackend {
  readonly cluster: string;
  readonly weight: number;
  /** null when the backend cannot be used. */
  readonly key: ServicePortKey | null;
  /** Why it cannot, in words for the route's status; empty when it can. */
  readonly problem: string;
}

export function weightedBackends(
  read: Reader,
  refs: readonly BackendRef[],
  routeNamespace: string,
  parent: ServicePortKey,
  carries: Carries,
): WeightedBackend[] {
  return refs
    .filter((ref) => (ref.weight ?? 1) > 0)
    .map((ref) => {
      const key = { namespace: ref.namespace ?? routeNamespace, service: ref.name, port: ref.port };
      const problem = problemOf(read, key, routeNamespace, parent);
      const usable = problem === '';
      return {
        cluster: usable ? clusterName(carries, key) : INVALID_BACKEND,
        weight: ref.weight ?? 1,
        key: usable ? key : null,
        problem,
      };
    });
}

function problemOf(read: Reader, key: ServicePortKey, routeNamespace: string, parent: ServicePortKey): string {
  // Without a ReferenceGrant a route may send only to its own namespace, or to where the traffic was going anyway.
  if (key.namespace !== routeNamespace && key.namespace !== parent.namespace) {
    return `Service ${key.namespace}/${key.service} is in another namespace`;
  }
  if (read.get({ kind: 'Service', namespace: key.namespace, name: key.service }) === null) {
    return `Service ${key.namespace}/${key.service} does not exist`;
  }
  if (read.view(servicePortFacts, key) === null)
    return `Service ${key.namespace}/${key.service} has no TCP port ${key.port}`;
  return '';
}
