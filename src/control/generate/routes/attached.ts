/**
 * The routes that attach to one port of a Service, as a caller sees them. A route in the Service's own namespace holds
 * for everybody (producer); one in another namespace holds for callers of that namespace, instead of the producer's (GAMMA).
 */
import type { HttpRoute } from '../../../api/kinds/http-route.ts';
import type { ParentRef } from '../../../api/kinds/route.ts';
import type { TcpRoute } from '../../../api/kinds/tcp-route.ts';
import type { Reader } from '../../../api/reader.ts';
import type { ServicePortKey } from '../names.ts';

export function attachedHttpRoutes(read: Reader, key: ServicePortKey, portName: string, caller: string): HttpRoute[] {
  return attached(read, 'HTTPRoute', key, portName, caller) as HttpRoute[];
}

/** The oldest wins: a connection has nothing to choose by. */
export function attachedTcpRoute(read: Reader, key: ServicePortKey, portName: string, caller: string): TcpRoute | null {
  const routes = attached(read, 'TCPRoute', key, portName, caller) as TcpRoute[];
  return routes.toSorted((a, b) => (ageOf(a) < ageOf(b) ? -1 : 1))[0] ?? null;
}

function attached(
  read: Reader,
  kind: string,
  key: ServicePortKey,
  portName: string,
  caller: string,
): (HttpRoute | TcpRoute)[] {
  const of = (namespace: string) => {
    const to = { namespace: key.namespace, name: key.service };
    const routes = read.referring(kind, namespace, to) as readonly (HttpRoute | TcpRoute)[];
    return routes.filter((route) => route.spec?.parentRefs.some((ref) => names(ref, namespace, key, portName)));
  };
  const consumer = caller === key.namespace ? [] : of(caller);
  return consumer.length > 0 ? consumer : of(key.namespace);
}

function names(ref: ParentRef, routeNamespace: string, key: ServicePortKey, portName: string): boolean {
  if (ref.name !== key.service || (ref.namespace ?? routeNamespace) !== key.namespace) return false;
  if (ref.port !== undefined && ref.port !== key.port) return false;
  return ref.sectionName === undefined || ref.sectionName === portName;
}

function ageOf(route: HttpRoute | TcpRoute): string {
  return `${route.metadata.creationTimestamp ?? ''} ${route.metadata.namespace ?? ''}/${route.metadata.name}`;
}
