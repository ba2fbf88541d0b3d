/** Where the connections to one port of a Service go: its TCPRoute's backends, or the Service itself. */
import { originOf } from '../../../api/origin.ts';
import type { View } from '../../../api/reader.ts';
import type { Origin } from '../../../api/resource.ts';
import type { ServicePortRef } from '../../../policies/policy-kind.ts';
import { clusterName, portKeyText } from '../names.ts';
import { servicePortFacts } from '../service-port.ts';
import { attachedTcpRoute } from './attached.ts';
import { weightedBackends } from './backends.ts';
import type { CallerPortKey } from './caller.ts';

export interface TcpClustersView {
  readonly clusters: readonly { readonly name: string; readonly weight: number }[];
  readonly backends: readonly ServicePortRef[];
  readonly origin: Origin | null;
}

export const tcpClusters: View<CallerPortKey, TcpClustersView> = {
  name: 'tcp-clusters',
  id: (key) => `${portKeyText(key)} for ${key.caller}`,
  derive(read, key) {
    const { namespace, service, port } = key;
    const facts = read.view(servicePortFacts, key);
    if (facts === null) return { clusters: [], backends: [], origin: null };
    const route = attachedTcpRoute(read, key, facts.portName, key.caller);
    const rule = route?.spec?.rules[0];
    if (route === null || rule === undefined) {
      return {
        clusters: [{ name: clusterName('tcp', key), weight: 1 }],
        backends: [{ namespace, service, port, portName: facts.portName }],
        origin: originOf(facts.service),
      };
    }
    const weighted = weightedBackends(read, rule.backendRefs, route.metadata.namespace ?? '', key, 'tcp');
    return {
      clusters: weighted.map(({ cluster, weight }) => ({ name: cluster, weight })),
      backends: weighted.flatMap((backend) => (backend.key === null ? [] : [backend.key])),
      origin: originOf(route, 'spec.rules[0]'),
    };
  },
  same: (a, b) => JSON.stringify(a) === JSON.stringify(b),
};
