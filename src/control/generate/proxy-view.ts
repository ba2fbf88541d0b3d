/**
 * Everything that one proxy gets. A view like the others, so that a change marks exactly the proxies that it concerns:
 * what is generated for it, and over that the patches of its namespace. Without patches it is what is generated.
 */
import type { Workload } from '../../api/kinds/workload.ts';
import type { Reader, View } from '../../api/reader.ts';
import type { Locality } from '../../policies/policy-kind.ts';
import type { XdsView } from '../../xds/resource.ts';
import { grpcClients, grpcServers } from './grpc/view.ts';
import { sidecarOf } from './listeners/sidecar.ts';
import { readDemand } from './on-demand/demand.ts';
import { outboundResources } from './outbound-resources.ts';
import { ownResources, type ProxyKey } from './own-resources.ts';
import { patchesOf } from './patches/compiled-patches.ts';
import { patched, type PatchedView } from './patches/patched-proxy.ts';
import { layered, NOTHING, relayered } from './resource-set.ts';
import { usersKey } from './used-services.ts';

/** Of which one becomes another without a change to the other. */
const LAYERS: readonly string[] = [ownResources.name, outboundResources.name, grpcServers.name, grpcClients.name];

export const proxyView: View<ProxyKey, XdsView> = {
  name: 'proxy',
  id: (key) => `${key.namespace}/${key.workload}`,
  derive(read, key, previous) {
    if (read.view(patchesOf, key.namespace).length > 0) return read.view(patchedProxy, key).view;
    return generated(read, key, workloadOf(read, key), previous);
  },
  patch(previous, changes) {
    let next: XdsView | undefined = previous;
    for (const { view, before, after } of changes) {
      if (!LAYERS.includes(view)) return undefined;
      next &&= relayered(next, before as XdsView, after as XdsView);
    }
    return next;
  },
  same: (a, b) => a === b,
};

/** With what became of each patch, for the patch's status. Only of namespaces that have patches. */
export const patchedProxy: View<ProxyKey, PatchedView> = {
  name: 'patched-proxy',
  id: (key) => `${key.namespace}/${key.workload}`,
  derive(read, key, previous) {
    const workload = workloadOf(read, key);
    if (workload === null) return { view: NOTHING, outcomes: [] };
    const view = read.view(generatedProxy, key);
    return patched(read, workload, view, read.view(patchesOf, key.namespace), previous);
  },
  same: (a, b) => a === b,
};

const generatedProxy: View<ProxyKey, XdsView> = {
  name: 'generated-proxy',
  id: (key) => `${key.namespace}/${key.workload}`,
  derive: (read, key, previous) => generated(read, key, workloadOf(read, key), previous),
  same: (a, b) => a === b,
};

function generated(read: Reader, key: ProxyKey, workload: Workload | null, previous: XdsView | undefined): XdsView {
  if (workload === null) return NOTHING;
  const at = localityOf(workload);
  if (workload.spec?.proxy === 'grpc') {
    const { namespace, uses } = usersKey(workload, null);
    return layered(read.view(grpcServers, key), read.view(grpcClients, { namespace, uses, at }), previous);
  }
  const byProxy = workload.spec?.capture?.httpProxyPort !== undefined;
  const users = usersKey(workload, readDemand(read, workload));
  const shared = read.view(outboundResources, { ...users, at, byProxy, sidecar: sidecarOf(workload) });
  return layered(read.view(ownResources, key), shared, previous);
}

function workloadOf(read: Reader, { namespace, workload }: ProxyKey): Workload | null {
  return read.get({ kind: 'Workload', namespace, name: workload }) as Workload | null;
}

function localityOf(workload: Workload): Locality {
  const { region = '', zone = '' } = workload.spec?.locality ?? {};
  return { region, zone };
}
