/**
 * Everything that one proxy gets. A view like the others, so that a change marks exactly the proxies that it concerns:
 * what it has for itself, over what it shares with all that call the same services from the same place.
 */
import type { Workload } from '../../api/kinds/workload.ts';
import type { View } from '../../api/reader.ts';
import type { Locality } from '../../policies/policy-kind.ts';
import type { XdsView } from '../../xds/resource.ts';
import { proxylessResources } from './grpc/view.ts';
import { outboundResources } from './outbound-resources.ts';
import { ownResources, type ProxyKey } from './own-resources.ts';
import { layered, NOTHING, relayered, resourceSet } from './resource-set.ts';
import { usersKey } from './used-services.ts';

export const proxyView: View<ProxyKey, XdsView> = {
  name: 'proxy',
  id: (key) => `${key.namespace}/${key.workload}`,
  derive(read, key, previous) {
    const workload = read.get({ kind: 'Workload', namespace: key.namespace, name: key.workload }) as Workload | null;
    if (workload === null) return NOTHING;
    const at = localityOf(workload);
    if (workload.spec?.proxy === 'grpc') {
      return resourceSet(proxylessResources(read, key, workload, at), previous);
    }
    const byProxy = workload.spec?.capture?.httpProxyPort !== undefined;
    const shared = read.view(outboundResources, { ...usersKey(workload), at, byProxy });
    return layered(read.view(ownResources, key), shared, previous);
  },
  patch(previous, changes) {
    let next: XdsView | undefined = previous;
    for (const { view, before, after } of changes) {
      if (view !== ownResources.name && view !== outboundResources.name) return undefined;
      next &&= relayered(next, before as XdsView, after as XdsView);
    }
    return next;
  },
  same: (a, b) => a === b,
};

function localityOf(workload: Workload): Locality {
  const { region = '', zone = '' } = workload.spec?.locality ?? {};
  return { region, zone };
}
