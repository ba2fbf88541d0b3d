/**
 * Which ports of which Services a proxy gets: those that its workload declares, else those that it has asked for, else,
 * where it cannot ask, all. Memory follows from it.
 */
import type { Service } from '../../api/kinds/service.ts';
import type { Workload } from '../../api/kinds/workload.ts';
import type { View } from '../../api/reader.ts';
import type { ServicePortKey } from './names.ts';
import type { Demand } from './on-demand/demand.ts';
import { portKeysOf } from './service-port.ts';

/** Proxies with an equal key get equal routes and share them. */
export interface UsersKey {
  /** Of the workload: short names are looked up in it. */
  readonly namespace: string;
  /** Declared services, or those that were asked for, sorted and joined by a comma; null: all. */
  readonly uses: string | null;
  /** Authorities that were asked for, sorted and joined by a comma; null: there is no asking. */
  readonly hosts: string | null;
  /** Clusters of tunnels that were asked for, as above; null: all. */
  readonly tunnels: string | null;
}

export function usersKey(workload: Workload, demand: Demand | null): UsersKey {
  const uses = workload.spec?.uses ?? demand?.services;
  return {
    namespace: workload.metadata.namespace ?? '',
    uses: uses === undefined ? null : [...new Set(uses)].toSorted().join(','),
    hosts: demand === null ? null : demand.hosts.join(','),
    tunnels: demand === null ? null : demand.tunnels.join(','),
  };
}

export function usesService({ metadata, spec }: Workload, namespace: string, service: string): boolean {
  const uses = spec?.uses;
  if (uses === undefined) return true;
  return uses.includes(`${namespace}/${service}`) || (namespace === metadata.namespace && uses.includes(service));
}

/** TCP ports only, in a stable order. */
export const usedPorts: View<Pick<UsersKey, 'namespace' | 'uses'>, readonly ServicePortKey[]> = {
  name: 'used-ports',
  id: (key) => `${key.namespace} ${key.uses ?? '*'}`,
  derive(read, key) {
    if (key.uses === null) return (read.list('Service', null) as readonly Service[]).flatMap(portKeysOf);
    const services = split(key.uses).map((text) => {
      const [first = '', second] = text.split('/');
      const name =
        second === undefined ? { namespace: key.namespace, name: first } : { namespace: first, name: second };
      return read.get({ kind: 'Service', ...name }) as Service | null;
    });
    return services.flatMap((service) => (service === null ? [] : portKeysOf(service)));
  },
  same: (a, b) => JSON.stringify(a) === JSON.stringify(b),
};

/** What `join(',')` made. */
export function split(text: string): readonly string[] {
  return text === '' ? [] : text.split(',');
}
