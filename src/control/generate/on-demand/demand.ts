/**
 * What a proxy has asked for so far, where its workload declares nothing: an object of the index like any other, so that
 * its view is derived from it and from no more of the mesh than it names.
 */
import type { Workload } from '../../../api/kinds/workload.ts';
import type { Reader } from '../../../api/reader.ts';
import type { Resource } from '../../../api/resource.ts';
import { isTunnel, OUTBOUND_ROUTES, serviceOfCluster } from '../names.ts';
import { patchesOf } from '../patches/compiled-patches.ts';
import { portNamed } from './authority.ts';

/** The internal object; never stored, never served. */
export const DEMAND_KIND = 'ProxyDemand';

export interface Demand {
  /** `<namespace>/<service>`, sorted. Whether there is such a service is another question. */
  readonly services: readonly string[];
  /** Authorities that requests to the explicit proxy had, sorted. */
  readonly hosts: readonly string[];
  /** Clusters of tunnels, by name, sorted. They come only when asked for: the listener that they lead to is there by then. */
  readonly tunnels: readonly string[];
}

/** A proxy that asks for more gets the whole mesh, as one that cannot ask: past this, asking costs more than having. */
const MAX_HOSTS = 1_000;
const MAX_SERVICES = 1_000;

export const NO_DEMAND: Demand = { services: [], hosts: [], tunnels: [] };

const HOST_PREFIX = `${OUTBOUND_ROUTES}/`;

/** The characters of a host and a port: a `*` among them would be a pattern. */
const AUTHORITY = /^[a-z0-9._:[\]-]{1,262}$/;

/** Names of virtual hosts and clusters as a demand; null: more than may be asked for. */
export function demandOf(
  virtualHosts: ReadonlySet<string>,
  clusters: ReadonlySet<string>,
  namespace: string,
): Demand | null {
  const services = new Set<string>();
  const hosts = new Set<string>();
  for (const name of virtualHosts) {
    const authority = name.startsWith(HOST_PREFIX) ? name.slice(HOST_PREFIX.length) : '';
    if (!AUTHORITY.test(authority)) continue;
    hosts.add(authority);
    const port = portNamed(authority, namespace);
    if (port !== null) services.add(`${port.namespace}/${port.service}`);
  }
  for (const name of clusters) {
    const service = serviceOfCluster(name);
    if (service !== null) services.add(service);
  }
  if (hosts.size > MAX_HOSTS || services.size > MAX_SERVICES) return null;
  const tunnels = [...clusters].filter((name) => isTunnel(name) && serviceOfCluster(name) !== null);
  return { services: [...services].toSorted(), hosts: [...hosts].toSorted(), tunnels: tunnels.toSorted() };
}

export function demandResource(
  namespace: string,
  workload: string,
  spec: Demand,
  resourceVersion: string,
): Resource<Demand> {
  return {
    apiVersion: 'internal.weft.mesh/v1',
    kind: DEMAND_KIND,
    metadata: { namespace, name: workload, uid: `demand of ${namespace}/${workload}`, resourceVersion },
    spec,
  };
}

/**
 * null: this proxy has everything from the start, because it does not ask, because its workload declares what it uses, or
 * because there are patches, which speak of whole resources: that one has no effect must not depend on who was called.
 */
export function readDemand(read: Reader, { metadata, spec }: Workload): Demand | null {
  if (spec?.uses !== undefined) return null;
  if (read.view(patchesOf, metadata.namespace ?? '').length > 0) return null;
  const key = { kind: DEMAND_KIND, namespace: metadata.namespace ?? '', name: metadata.name };
  return (read.get(key) as Resource<Demand> | null)?.spec ?? null;
}
