/** Listeners as rows: one a filter chain, with what a connection must look like to get there and where it goes. */
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import type { Message } from '@bufbuild/protobuf';
import type {
  FilterChain,
  FilterChainMatch,
} from '../../../protos/gen/envoy/config/listener/v3/listener_components_pb.ts';
import type { Listener } from '../../../protos/gen/envoy/config/listener/v3/listener_pb.ts';
import type { TransportSocket } from '../../../protos/gen/envoy/config/core/v3/base_pb.ts';
import type { DownstreamTlsContext } from '../../../protos/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts';
import type { HttpConnectionManager } from '../../../protos/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import type { TcpProxy } from '../../../protos/gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts';
import { envoyTypes } from '../../../protos/registry.ts';
import { addressText } from './address-text.ts';

export const LISTENER_COLUMNS = ['LISTENER', 'ADDRESS', 'MATCH', 'TLS', 'TO'] as const;

export function listenerRows(listener: Listener): string[][] {
  const place = listener.apiListener !== undefined ? 'in the client' : addressText(listener.address) || 'internal';
  const head = [listener.name, place];
  const api = listener.apiListener?.apiListener;
  if (api !== undefined) return [[...head, 'all', '', targetText(unpacked(api))]];
  const chains = [...listener.filterChains, ...(listener.defaultFilterChain ? [listener.defaultFilterChain] : [])];
  if (chains.length === 0) return [[...head, '', '', '']];
  return chains.map((chain) => [...head, matchText(chain.filterChainMatch), tlsText(chain.transportSocket), to(chain)]);
}

function to({ filters }: FilterChain): string {
  const last = filters.at(-1);
  if (last === undefined) return 'closed';
  const before = filters.slice(0, -1).map(({ name }) => shortName(name));
  const target = last.configType.case === 'typedConfig' ? targetText(unpacked(last.configType.value)) : last.name;
  return [...before, target].join(' → ');
}

function targetText(message: Message | undefined): string {
  switch (message?.$typeName) {
    case 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager':
      return httpTarget(message as HttpConnectionManager);
    case 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy':
      return tcpTarget(message as TcpProxy);
    default:
      return message === undefined ? 'unknown' : message.$typeName;
  }
}

function httpTarget({ routeSpecifier, httpFilters }: HttpConnectionManager): string {
  const filters = httpFilters.map(({ name }) => shortName(name)).filter((name) => name !== 'router');
  const via = filters.length === 0 ? 'http' : `http (${filters.join(', ')})`;
  switch (routeSpecifier.case) {
    case 'rds':
      return `${via} → routes ${routeSpecifier.value.routeConfigName}`;
    case 'routeConfig':
      return `${via} → own routes ${routeSpecifier.value.name}`;
    default:
      return via;
  }
}

function tcpTarget({ clusterSpecifier }: TcpProxy): string {
  if (clusterSpecifier.case === 'cluster') return `tcp → ${clusterSpecifier.value}`;
  if (clusterSpecifier.case !== 'weightedClusters') return 'tcp';
  return `tcp → ${clusterSpecifier.value.clusters.map(({ name, weight }) => `${name} (${weight})`).join(', ')}`;
}

function matchText(match: FilterChainMatch | undefined): string {
  if (match === undefined) return 'all';
  const parts = [
    match.transportProtocol === 'raw_buffer' ? 'plaintext' : match.transportProtocol,
    match.serverNames.length > 0 ? `sni ${match.serverNames.join(',')}` : '',
    match.applicationProtocols.join(','),
    match.destinationPort === undefined ? '' : `port ${match.destinationPort}`,
    match.prefixRanges.map(({ addressPrefix, prefixLen }) => `${addressPrefix}/${prefixLen ?? 0}`).join(','),
  ].filter((part) => part !== '');
  return parts.length === 0 ? 'all' : parts.join(' ');
}

function tlsText(socket: TransportSocket | undefined): string {
  if (socket?.configType.case !== 'typedConfig') return '';
  const message = unpacked(socket.configType.value);
  if (message?.$typeName !== 'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext') return '';
  return (message as DownstreamTlsContext).requireClientCertificate === true ? 'mTLS' : 'TLS';
}

function unpacked(any: Parameters<typeof anyUnpack>[0]): Message | undefined {
  return anyUnpack(any, envoyTypes);
}

/** `rbac` of `envoy.filters.http.rbac`. */
function shortName(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}
