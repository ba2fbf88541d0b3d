/**
 * What proxies get of the services that they call, as views that proxies share: of one port, and of all that those with
 * equal uses in one place have. A change to a service derives these few again, not a view for each of its callers.
 */
import type { Reader, View } from '../../api/reader.ts';
import type { Locality } from '../../policies/policy-kind.ts';
import type { XdsResource, XdsView } from '../../xds/resource.ts';
import { passthroughCluster, serviceCluster } from './clusters.ts';
import { endpoints, endpointsKey } from './endpoints.ts';
import { internalListener } from './listeners/outbound.ts';
import type { SidecarKind } from './listeners/sidecar.ts';
import {
  type Carries,
  isTunnel,
  PASSTHROUGH_HTTP,
  PASSTHROUGH_TCP,
  portKeyText,
  type ServicePortKey,
} from './names.ts';
import { hostOnDemand, ROUTES_ON_DEMAND, SEED_HOST } from './on-demand/virtual-hosts.ts';
import { hasPlainEndpoints } from './plain-endpoints.ts';
import { httpVersionsOf } from './protocol.ts';
import { replaced, type Replacement, resourceSet } from './resource-set.ts';
import type { CallerPortKey } from './routes/caller.ts';
import { routeBackends } from './routes/http-routes.ts';
import { outboundRoutes, portRoutes } from './routes/route-configs.ts';
import { tcpClusters } from './routes/tcp-clusters.ts';
import { trustBundle } from './secrets.ts';
import { servicePortFacts } from './service-port.ts';
import { split, usedPorts, type UsersKey } from './used-services.ts';

export interface OutboundKey extends UsersKey {
  readonly at: Locality;
  /** They have the explicit HTTP proxy too. */
  readonly byProxy: boolean;
  readonly sidecar: SidecarKind;
}

interface PortUseKey extends CallerPortKey {
  readonly sidecar: SidecarKind;
  readonly at: Locality;
}

const PASSTHROUGH = [passthroughCluster(PASSTHROUGH_HTTP, 'http'), passthroughCluster(PASSTHROUGH_TCP, 'tcp')];

export const outboundResources: View<OutboundKey, XdsView> = {
  name: 'outbound-resources',
  id: ({ namespace, uses, hosts, tunnels, at, byProxy, sidecar }) => {
    const place = `${at.region}/${at.zone}`;
    return [namespace, place, byProxy ? 'by proxy' : '', sidecar, uses ?? '*', hosts ?? '*', tunnels ?? '*'].join(' ');
  },
  derive(read, key, previous) {
    const { namespace: caller, at, sidecar } = key;
    const resources: XdsResource[] = [read.view(trustBundle, null)];
    if (key.byProxy) resources.push(...byName(read, key), ...PASSTHROUGH);
    const tunnels = key.tunnels === null ? null : new Set(split(key.tunnels));
    for (const port of read.view(usedPorts, key)) {
      const found = read.view(portResources, { ...port, caller, at, sidecar });
      resources.push(...found.filter(({ name }) => tunnels === null || !isTunnel(name) || tunnels.has(name)));
    }
    return resourceSet(resources, previous);
  },
  patch(previous, changes) {
    const replacements: Replacement[] = [];
    for (const { view, before, after } of changes) {
      if (view === portResources.name) {
        if (!pair(before as readonly XdsResource[], after as readonly XdsResource[], replacements)) return undefined;
      } else if (BY_ONE.includes(view)) {
        replacements.push([before as XdsResource, after as XdsResource]);
      } else return undefined;
    }
    // Tunnels that were not asked for are no part of it.
    return replaced(
      previous,
      replacements.filter(([{ type, name }]) => previous.get(type)?.has(name)),
    );
  },
  same: (a, b) => a === b,
};

/** Views of one resource each, which is never null and always of one name. */
const BY_ONE: readonly string[] = [outboundRoutes.name, hostOnDemand.name, trustBundle.name];

/** Adds what has changed; false when resources came or went. */
function pair(before: readonly XdsResource[], after: readonly XdsResource[], to: Replacement[]): boolean {
  if (before.length !== after.length) return false;
  for (const [i, now] of after.entries()) {
    const was = before[i];
    if (was === undefined || was.type !== now.type || was.name !== now.name) return false;
    if (was !== now) to.push([was, now]);
  }
  return true;
}

/** What the explicit proxy routes by: all of it, or what was asked for. */
function byName(read: Reader, key: OutboundKey): readonly XdsResource[] {
  if (key.hosts === null) return [read.view(outboundRoutes, key)];
  const hosts = split(key.hosts).map((authority) => read.view(hostOnDemand, { authority, caller: key.namespace }));
  return [ROUTES_ON_DEMAND, SEED_HOST, ...hosts];
}

const portResources: View<PortUseKey, readonly XdsResource[]> = {
  name: 'port-resources',
  id: ({ at, ...key }) => `${portKeyText(key)} for ${key.caller} at ${at.region}/${at.zone} in ${key.sidecar}`,
  derive(read, { at, ...key }) {
    const facts = read.view(servicePortFacts, key);
    if (facts === null) return [];
    const found: (XdsResource | null)[] = [
      read.view(internalListener, { ...key, onDemand: false }),
      read.view(serviceCluster, { ...key, carries: 'connect' }),
    ];
    for (const version of httpVersionsOf(facts.protocol)) {
      found.push(read.view(portRoutes, { ...key, version }));
      for (const backend of read.view(routeBackends, { ...key, version })) {
        found.push(...backendResources(read, backend, backend.carries, at, key.sidecar));
      }
    }
    if (facts.protocol === 'tcp' || facts.protocol === '') {
      for (const backend of read.view(tcpClusters, key).backends) {
        found.push(...backendResources(read, backend, 'tcp', at, key.sidecar));
      }
    }
    return found.filter((resource) => resource !== null);
  },
  same: (a, b) => a.length === b.length && a.every((resource, i) => resource === b[i]),
};

function backendResources(
  read: Reader,
  backend: ServicePortKey,
  carries: Carries,
  at: Locality,
  sidecar: SidecarKind,
): (XdsResource | null)[] {
  const portName = read.view(servicePortFacts, backend)?.portName ?? '';
  const key = endpointsKey(read, backend, portName, at);
  const isPlain = sidecar === 'envoy' && carries === 'http' && read.view(hasPlainEndpoints, backend);
  const hop = isPlain ? ({ hop: 'http1' } as const) : {};
  return [read.view(serviceCluster, { ...backend, carries, ...hop }), read.view(endpoints, key)];
}
