/**
 * The backends of a rule as weighted clusters. A share whose backend cannot be used still gets its share of requests,
 * and those are answered with an error, as Gateway API prescribes: moving it to the others would hide the mistake.
 */
import type { BackendRef } from '../../../api/kinds/route.ts';
import type { Reader } from '../../../api/reader.ts';
import type { ServicePortRef } from '../../../policies/policy-kind.ts';
import { type Carries, clusterName, INVALID_BACKEND, type ServicePortKey } from '../names.ts';
import type { PortProtocol } from '../protocol.ts';
import { servicePortFacts } from '../service-port.ts';

export interface WeightedBackend {
  readonly cluster: string;
  readonly weight: number;
  /** null when the backend cannot be used. */
  readonly key: BackendKey | null;
}

export interface BackendKey extends ServicePortRef {
  readonly carries: Carries;
}

export interface BackendProblem {
  /** Of the condition ResolvedRefs, as Gateway API names it. */
  readonly reason: 'BackendNotFound' | 'RefNotPermitted';
  readonly message: string;
}

export function weightedBackends(
  read: Reader,
  refs: readonly BackendRef[],
  routeNamespace: string,
  parent: ServicePortKey,
  came: Carries,
): WeightedBackend[] {
  return refs
    .filter((ref) => (ref.weight ?? 1) > 0)
    .map((ref) => {
      const key = keyOfBackend(ref, routeNamespace);
      const weight = ref.weight ?? 1;
      if (backendProblem(read, key, routeNamespace, parent.namespace) !== null) {
        return { cluster: INVALID_BACKEND, weight, key: null };
      }
      const { protocol = '' as const, portName = '' } = read.view(servicePortFacts, key) ?? {};
      const carries = carriedTo(protocol, came);
      return { cluster: clusterName(carries, key), weight, key: { ...key, carries, portName } };
    });
}

/** HTTP goes to a backend in the version that its own port declares, else in the one that it came in. */
export function carriedTo(backend: PortProtocol, came: Carries): Carries {
  return came === 'tcp' || backend === 'tcp' || backend === '' ? came : backend;
}

export function keyOfBackend(ref: BackendRef, routeNamespace: string): ServicePortKey {
  return { namespace: ref.namespace ?? routeNamespace, service: ref.name, port: ref.port };
}

/** Why a route of `routeNamespace` may not or cannot send there; null when it can. The one decision of traffic and status. */
export function backendProblem(
  read: Reader,
  key: ServicePortKey,
  routeNamespace: string,
  parentNamespace: string,
): BackendProblem | null {
  const name = `Service ${key.namespace}/${key.service}`;
  // Without a ReferenceGrant a route may send only to its own namespace, or to where the traffic was going anyway.
  if (key.namespace !== routeNamespace && key.namespace !== parentNamespace) {
    return { reason: 'RefNotPermitted', message: `${name} is in another namespace` };
  }
  if (read.get({ kind: 'Service', namespace: key.namespace, name: key.service }) === null) {
    return { reason: 'BackendNotFound', message: `${name} does not exist` };
  }
  if (read.view(servicePortFacts, key) === null) {
    return { reason: 'BackendNotFound', message: `${name} has no TCP port ${key.port}` };
  }
  return null;
}
