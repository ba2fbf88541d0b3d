/**
 * Everything that one proxy gets. A view like the others, so that a change marks exactly the proxies that it concerns;
 * the resources in it are shared with every proxy that gets the same.
 */
import type { Workload } from '../../api/kinds/workload.ts';
import type { Reader, View } from '../../api/reader.ts';
import { TYPE_URLS, type TypeUrl, type XdsResource, type XdsView } from '../../xds/resource.ts';
import { localCluster, passthroughCluster, serviceCluster } from './clusters.ts';
import type { Locality } from '../../policies/policy-kind.ts';
import { endpoints, endpointsKey } from './endpoints.ts';
import { proxylessResources } from './grpc/view.ts';
import { inboundListener } from './listeners/inbound.ts';
import { httpProxyListener, internalListener, vipListener } from './listeners/outbound.ts';
import { type Carries, PASSTHROUGH_HTTP, PASSTHROUGH_TCP, portKeyText, type ServicePortKey } from './names.ts';
import { httpRoutes } from './routes/http-routes.ts';
import { outboundRoutes, portRoutes } from './routes/route-configs.ts';
import { tcpClusters } from './routes/tcp-clusters.ts';
import { trustBundle } from './secrets.ts';
import { httpVersionsOf } from './protocol.ts';
import { servicePortFacts } from './service-port.ts';
import { usedPorts, usersKey } from './used-services.ts';

export interface ProxyKey {
  readonly namespace: string;
  readonly workload: string;
}

export const NOTHING: XdsView = new Map();

const PASSTHROUGH = [passthroughCluster(PASSTHROUGH_HTTP, 'http'), passthroughCluster(PASSTHROUGH_TCP, 'tcp')];

export const proxyView: View<ProxyKey, XdsView> = {
  name: 'proxy',
  id: (key) => `${key.namespace}/${key.workload}`,
  derive(read, key) {
    const workload = read.get({ kind: 'Workload', namespace: key.namespace, name: key.workload }) as Workload | null;
    if (workload === null) return NOTHING;
    const view = new Draft();
    if (workload.spec?.proxy === 'grpc') {
      for (const resource of proxylessResources(read, key, workload, localityOf(workload))) view.add(resource);
      return view.done();
    }
    view.add(read.view(trustBundle, null));
    inbound(read, key, workload, view);
    outbound(read, key, workload, view);
    return view.done();
  },
  same: (a, b) => a === b,
};

function inbound(read: Reader, key: ProxyKey, workload: Workload, view: Draft): void {
  for (const port of workload.spec?.ports ?? []) {
    if (port.proxyPort === undefined) continue;
    view.add(localCluster(port.port, 'http'));
    view.add(localCluster(port.port, 'http2'));
    view.add(read.view(inboundListener, { ...key, appPort: port.port }));
  }
}

function outbound(read: Reader, key: ProxyKey, workload: Workload, view: Draft): void {
  const users = usersKey(workload);
  const caller = key.namespace;
  const at = localityOf(workload);
  const ports = read.view(usedPorts, users);
  const addresses = new Map((workload.spec?.capture?.vips ?? []).map((vip) => [portKeyText(vip), vip]));
  if (workload.spec?.capture?.httpProxyPort !== undefined) {
    view.add(read.view(httpProxyListener, key));
    view.add(read.view(outboundRoutes, users));
    for (const cluster of PASSTHROUGH) view.add(cluster);
  }
  for (const port of ports) {
    const facts = read.view(servicePortFacts, port);
    if (facts === null) continue;
    const forCaller = { ...port, caller };
    view.add(read.view(internalListener, forCaller));
    view.add(read.view(serviceCluster, { ...port, carries: 'connect' }));
    const vip = addresses.get(portKeyText(port));
    if (vip !== undefined)
      view.add(read.view(vipListener, { ...forCaller, address: vip.address, vipPort: vip.vipPort }));
    for (const version of httpVersionsOf(facts.protocol)) {
      view.add(read.view(portRoutes, { ...forCaller, version }));
      for (const backend of read.view(httpRoutes, { ...forCaller, version }).backends) {
        backendCluster(read, backend, backend.carries, at, view);
      }
    }
    if (facts.protocol === 'tcp' || facts.protocol === '') {
      for (const backend of read.view(tcpClusters, forCaller).backends) {
        backendCluster(read, backend, 'tcp', at, view);
      }
    }
  }
}

function localityOf(workload: Workload): Locality {
  const { region = '', zone = '' } = workload.spec?.locality ?? {};
  return { region, zone };
}

function backendCluster(read: Reader, backend: ServicePortKey, carries: Carries, at: Locality, view: Draft): void {
  const portName = read.view(servicePortFacts, backend)?.portName ?? '';
  view.add(read.view(serviceCluster, { ...backend, carries }));
  view.add(read.view(endpoints, endpointsKey(read, backend, portName, at)));
}

class Draft {
  readonly #types = new Map<TypeUrl, Map<string, XdsResource>>(
    Object.values(TYPE_URLS).map((type) => [type, new Map()]),
  );

  add(resource: XdsResource | null): void {
    if (resource !== null) this.#types.get(resource.type)?.set(resource.name, resource);
  }

  done(): XdsView {
    return this.#types;
  }
}
