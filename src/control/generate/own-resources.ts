/** What a proxy shares with no other: its inbound side, and where its own application reaches other services. */
import type { View } from '../../api/reader.ts';
import type { Workload } from '../../api/kinds/workload.ts';
import { TYPE_URLS, type XdsResource, type XdsView } from '../../xds/resource.ts';
import { localCluster } from './clusters.ts';
import { httpProxyListener } from './listeners/outbound.ts';
import { inboundListener } from './listeners/inbound.ts';
import { sidecarOf } from './listeners/sidecar.ts';
import { vipListener, vipTemplate } from './listeners/vip.ts';
import { readDemand } from './on-demand/demand.ts';
import { httpVersionsOf } from './protocol.ts';
import { NOTHING, resourceSet } from './resource-set.ts';
import { portRoutes } from './routes/route-configs.ts';
import { servicePortFacts } from './service-port.ts';
import { usesService } from './used-services.ts';

export interface ProxyKey {
  readonly namespace: string;
  readonly workload: string;
}

export const ownResources: View<ProxyKey, XdsView> = {
  name: 'own-resources',
  id: (key) => `${key.namespace}/${key.workload}`,
  derive(read, key, previous) {
    const workload = read.get({ kind: 'Workload', namespace: key.namespace, name: key.workload }) as Workload | null;
    if (workload === null) return NOTHING;
    const resources: (XdsResource | null)[] = [];
    for (const { port, proxyPort } of workload.spec?.ports ?? []) {
      if (proxyPort === undefined) continue;
      resources.push(
        read.view(localCluster, { port, speaks: 'http' }),
        read.view(localCluster, { port, speaks: 'http2' }),
      );
      resources.push(read.view(inboundListener, { ...key, appPort: port }));
    }
    const { httpProxyPort, vips = [] } = workload.spec?.capture ?? {};
    const demand = readDemand(read, workload);
    const onDemand = demand !== null;
    const style = { sidecar: sidecarOf(workload), onDemand };
    if (httpProxyPort !== undefined) resources.push(read.view(httpProxyListener, { port: httpProxyPort, ...style }));
    for (const vip of vips) {
      const { namespace, service, port } = vip;
      if (!usesService(workload, namespace, service)) continue;
      const callerPort = { namespace, service, port, caller: key.namespace };
      const template = read.view(vipTemplate, { ...callerPort, ...style });
      if (template === null) continue;
      resources.push(vipListener(template, vip, previous?.get(TYPE_URLS.listener)?.get(template.name)));
      // Those of a service that was asked for come with it.
      if (demand === null || demand.services.includes(`${namespace}/${service}`)) continue;
      const protocol = read.view(servicePortFacts, callerPort)?.protocol ?? '';
      for (const version of httpVersionsOf(protocol)) {
        resources.push(read.view(portRoutes, { ...callerPort, version }));
      }
    }
    return resourceSet(resources, previous);
  },
  same: (a, b) => a === b,
};
