/** Which ports of which Services a proxy gets: those that its workload declares, else all. Memory follows from it. */
import type { Service } from '../../api/kinds/service.ts';
import type { Workload } from '../../api/kinds/workload.ts';
import type { View } from '../../api/reader.ts';
import type { ServicePortKey } from './names.ts';
import { portKeysOf } from './service-port.ts';

/** Proxies with an equal key get equal routes and share them. */
export interface UsersKey {
  /** Of the workload: short names are looked up in it. */
  readonly namespace: string;
  /** Declared services, sorted and joined by a comma; null: all. */
  readonly uses: string | null;
}

export function usersKey(workload: Workload): UsersKey {
  const uses = workload.spec?.uses;
  return {
    namespace: workload.metadata.namespace ?? '',
    uses: uses === undefined ? null : [...new Set(uses)].toSorted().join(','),
  };
}

export function usesService({ metadata, spec }: Workload, namespace: string, service: string): boolean {
  const uses = spec?.uses;
  if (uses === undefined) return true;
  return uses.includes(`${namespace}/${service}`) || (namespace === metadata.namespace && uses.includes(service));
}

/** TCP ports only, in a stable order. */
export const usedPorts: View<UsersKey, readonly ServicePortKey[]> = {
  name: 'used-ports',
  id: (key) => `${key.namespace} ${key.uses ?? '*'}`,
  derive(read, key) {
    if (key.uses === null) return (read.list('Service', null) as readonly Service[]).flatMap(portKeysOf);
    const services = key.uses.split(',').map((text) => {
      const [first = '', second] = text.split('/');
      const name =
        second === undefined ? { namespace: key.namespace, name: first } : { namespace: first, name: second };
      return read.get({ kind: 'Service', ...name }) as Service | null;
    });
    return services.flatMap((service) => (service === null ? [] : portKeysOf(service)));
  },
  same: (a, b) => JSON.stringify(a) === JSON.stringify(b),
};
