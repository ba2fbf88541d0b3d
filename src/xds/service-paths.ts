/** The methods of the discovery services: one aggregated service, and one for each type. */
import { TYPE_URLS, type TypeUrl } from './resource.ts';

export type StreamProtocol = 'delta' | 'sotw';

const AGGREGATED: Readonly<Record<StreamProtocol, string>> = {
  delta: '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources',
  sotw: '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources',
};

/** Package and noun of a type's own service: its methods are `Stream<Noun>s` and `Delta<Noun>s`. */
const SERVICES: Readonly<Record<TypeUrl, readonly [name: string, noun: string]>> = {
  [TYPE_URLS.cluster]: ['cluster', 'Cluster'],
  [TYPE_URLS.endpoints]: ['endpoint', 'Endpoint'],
  [TYPE_URLS.listener]: ['listener', 'Listener'],
  [TYPE_URLS.routes]: ['route', 'Route'],
  [TYPE_URLS.secret]: ['secret', 'Secret'],
  // Delta alone.
  [TYPE_URLS.virtualHosts]: ['route', 'VirtualHost'],
};

/** Where a REST server answers for one type. */
export function restPath(type: TypeUrl): string {
  return `/v3/discovery:${SERVICES[type][0]}s`;
}

/** `type` null: the aggregated service. */
export function streamPath(type: TypeUrl | null, protocol: StreamProtocol): string {
  if (type === null) return AGGREGATED[protocol];
  const [name, noun] = SERVICES[type];
  const method = `${protocol === 'delta' ? 'Delta' : 'Stream'}${noun}s`;
  return `/envoy.service.${name}.v3.${noun}DiscoveryService/${method}`;
}
