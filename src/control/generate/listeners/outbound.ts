/**
 * Outbound listeners: the explicit HTTP proxy of a workload, and for each port of a Service an internal listener into
 * which a CONNECT re-enters. The protocol of a port is said, or detected. Loopback addresses: vip.ts.
 */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { Reader, View } from '../../../api/reader.ts';
import type { Origin } from '../../../api/resource.ts';
import { policyKinds } from '../../../policies/all.ts';
import { MetadataSchema, TrafficDirection } from '../../../protos/gen/envoy/config/core/v3/base_pb.ts';
import type { FilterChainSchema } from '../../../protos/gen/envoy/config/listener/v3/listener_components_pb.ts';
import { type Listener, ListenerSchema } from '../../../protos/gen/envoy/config/listener/v3/listener_pb.ts';
import { TYPE_URLS, type XdsResource } from '../../../xds/resource.ts';
import {
  HTTP_PROXY_LISTENER,
  type HttpVersion,
  OUTBOUND_ROUTES,
  outboundName,
  routesName,
  type ServicePortKey,
} from '../names.ts';
import { metadata, originText } from '../origin.ts';
import { resourceOf, sameResource } from '../resource.ts';
import type { CallerPortKey } from '../routes/caller.ts';
import { type TcpClustersView, tcpClusters } from '../routes/tcp-clusters.ts';
import type { PortProtocol } from '../protocol.ts';
import { servicePortFacts } from '../service-port.ts';
import { HTTP1_BYTES, HTTP2_BYTES, inspectAll } from './inspectors.ts';
import { type FilterInit, httpManager, type HttpOptions, tcpFilter, tcpProxy } from './network-filters.ts';
import { socketAddress } from './socket-address.ts';

type FilterChainInit = MessageInitShape<typeof FilterChainSchema>;
type ListenerInit = Pick<MessageInitShape<typeof ListenerSchema>, 'address' | 'listenerSpecifier'>;

/** Reached by name from inside the proxy only. */
export const internalListener: View<CallerPortKey, XdsResource | null> = {
  name: 'internal-listener',
  id: (key) => `${outboundName(key)} for ${key.caller}`,
  derive(read, key) {
    const facts = read.view(servicePortFacts, key);
    if (facts === null) return null;
    const internal: ListenerInit = { listenerSpecifier: { case: 'internalListener', value: {} } };
    const name = outboundName(key);
    const { message, origins } = portListenerMessage(read, name, internal, key, facts.protocol, false);
    return resourceOf(TYPE_URLS.listener, name, ListenerSchema, message, origins);
  },
  same: sameResource,
};

export interface HttpProxyKey {
  /** On 127.0.0.1 of the workload. */
  readonly port: number;
  /** Virtual hosts and clusters come when they are first used. */
  readonly onDemand: boolean;
}

export const httpProxyListener: View<HttpProxyKey, XdsResource> = {
  name: 'http-proxy-listener',
  id: ({ port, onDemand }) => `${port}${onDemand ? ' on demand' : ''}`,
  derive(_read, { port, onDemand }) {
    const manager = httpManager({
      statPrefix: 'http-proxy',
      codec: 'auto',
      routes: OUTBOUND_ROUTES,
      direction: 'outbound',
      forwardProxy: true,
      onDemand,
    });
    const message = create(ListenerSchema, {
      name: HTTP_PROXY_LISTENER,
      address: socketAddress('127.0.0.1', port),
      trafficDirection: TrafficDirection.OUTBOUND,
      filterChains: [{ name: 'http', filters: [manager] }],
    });
    return resourceOf(TYPE_URLS.listener, HTTP_PROXY_LISTENER, ListenerSchema, message, []);
  },
  same: sameResource,
};

/** `name` and `place` may be empty, in a template. */
export function portListenerMessage(
  read: Reader,
  name: string,
  place: ListenerInit,
  key: CallerPortKey,
  protocol: PortProtocol,
  onDemand: boolean,
): { readonly message: Listener; readonly origins: readonly Origin[] } {
  const tcp = read.view(tcpClusters, key);
  const origins = tcp.origin === null ? [] : [tcp.origin];
  const common = { ...place, name, trafficDirection: TrafficDirection.OUTBOUND };
  const filterChains = chains(key, protocol, onDemand, () => rawFilter(read, key, tcp, onDemand, origins));
  const message =
    protocol === ''
      ? create(ListenerSchema, { ...common, ...inspectAll(), filterChains })
      : create(ListenerSchema, { ...common, filterChains });
  const { origin } = tcp;
  if (origin !== null) message.metadata = create(MetadataSchema, metadata({ origin: originText(origin) }));
  return { message, origins };
}

function rawFilter(
  read: Reader,
  key: ServicePortKey,
  tcp: TcpClustersView,
  onDemand: boolean,
  origins: Origin[],
): FilterInit {
  const message = tcpProxy(outboundName(key), tcp.clusters, onDemand);
  for (const kind of policyKinds) kind.tcp?.({ message, backends: tcp.backends, origins }, read);
  return tcpFilter(message);
}

function chains(
  key: ServicePortKey,
  protocol: PortProtocol,
  onDemand: boolean,
  tcp: () => FilterInit,
): FilterChainInit[] {
  const common = { statPrefix: outboundName(key), direction: 'outbound', forwardProxy: false, onDemand } as const;
  const http = (version: HttpVersion, codec: HttpOptions['codec']): FilterInit =>
    httpManager({ ...common, codec, routes: routesName(key, version) });
  if (protocol === 'tcp') return [{ name: 'tcp', filters: [tcp()] }];
  if (protocol !== '') return [{ name: 'http', filters: [http(protocol, 'auto')] }];
  const raw = tcp();
  const clear = (applicationProtocols: string[]) => ({ transportProtocol: 'raw_buffer', applicationProtocols });
  return [
    { name: 'http', filterChainMatch: clear(HTTP1_BYTES), filters: [http('http', 'http')] },
    { name: 'http2', filterChainMatch: clear(HTTP2_BYTES), filters: [http('http2', 'http2')] },
    // Two chains, not one that matches all: Envoy narrows by transport before protocol and never goes back.
    { name: 'tcp', filterChainMatch: clear([]), filters: [raw] },
    { name: 'tls', filterChainMatch: { transportProtocol: 'tls' }, filters: [raw] },
  ];
}
