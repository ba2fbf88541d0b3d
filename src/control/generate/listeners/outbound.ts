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
import { HTTP_PROXY_LISTENER, type HttpVersion, OUTBOUND_ROUTES, outboundName, routesName } from '../names.ts';
import { metadata, originText } from '../origin.ts';
import { resourceOf, sameResource } from '../resource.ts';
import type { CallerPortKey } from '../routes/caller.ts';
import { type TcpClustersView, tcpClusters } from '../routes/tcp-clusters.ts';
import type { PortProtocol } from '../protocol.ts';
import { servicePortFacts } from '../service-port.ts';
import { HTTP1_BYTES, HTTP2_BYTES, inspectAll } from './inspectors.ts';
import { type FilterInit, httpManager, type HttpOptions, tcpFilter, tcpProxy } from './network-filters.ts';
import { type ListenerStyle, styleText } from './sidecar.ts';
import { socketAddress } from './socket-address.ts';

type FilterChainInit = MessageInitShape<typeof FilterChainSchema>;
type ListenerInit = Pick<MessageInitShape<typeof ListenerSchema>, 'address' | 'listenerSpecifier'>;

export interface ListenerKey extends CallerPortKey, ListenerStyle {}

export function listenerKeyText(key: ListenerKey): string {
  return `${outboundName(key)} for ${key.caller} ${styleText(key)}`;
}

/** Reached by name from inside the proxy only. */
export const internalListener: View<ListenerKey, XdsResource | null> = {
  name: 'internal-listener',
  id: listenerKeyText,
  derive(read, key) {
    const facts = read.view(servicePortFacts, key);
    if (facts === null) return null;
    const internal: ListenerInit = { listenerSpecifier: { case: 'internalListener', value: {} } };
    const name = outboundName(key);
    const { message, origins } = portListenerMessage(read, name, internal, key, facts.protocol);
    return resourceOf(TYPE_URLS.listener, name, ListenerSchema, message, origins);
  },
  same: sameResource,
};

export interface HttpProxyKey extends ListenerStyle {
  /** On 127.0.0.1 of the workload. */
  readonly port: number;
}

export const httpProxyListener: View<HttpProxyKey, XdsResource> = {
  name: 'http-proxy-listener',
  id: (key) => `${key.port} ${styleText(key)}`,
  derive(_read, { port, sidecar, onDemand }) {
    const manager = httpManager({
      statPrefix: 'http-proxy',
      codec: 'auto',
      routes: OUTBOUND_ROUTES,
      direction: 'outbound',
      forwardProxy: true,
      sidecar,
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
  key: ListenerKey,
  protocol: PortProtocol,
): { readonly message: Listener; readonly origins: readonly Origin[] } {
  const tcp = read.view(tcpClusters, key);
  const origins = tcp.origin === null ? [] : [tcp.origin];
  const common = { ...place, name, trafficDirection: TrafficDirection.OUTBOUND };
  const filterChains = chains(key, protocol, () => rawFilter(read, key, tcp, origins));
  const message =
    protocol === ''
      ? create(ListenerSchema, { ...common, ...inspectAll(), filterChains })
      : create(ListenerSchema, { ...common, filterChains });
  const { origin } = tcp;
  if (origin !== null) message.metadata = create(MetadataSchema, metadata({ origin: originText(origin) }));
  return { message, origins };
}

function rawFilter(read: Reader, key: ListenerKey, tcp: TcpClustersView, origins: Origin[]): FilterInit {
  const { sidecar, onDemand } = key;
  const { clusters } = tcp;
  const message = tcpProxy({ statPrefix: outboundName(key), clusters, direction: 'outbound', sidecar, onDemand });
  for (const kind of policyKinds) kind.tcp?.({ message, backends: tcp.backends, origins }, read);
  return tcpFilter(message);
}

function chains(key: ListenerKey, protocol: PortProtocol, tcp: () => FilterInit): FilterChainInit[] {
  const { sidecar, onDemand } = key;
  const statPrefix = outboundName(key);
  const common = { statPrefix, direction: 'outbound', forwardProxy: false, sidecar, onDemand } as const;
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
