/** xDS messages as tests of several folders want them: small, valid, and changed in the one field that a test is about. */
import type { ReceivedResource } from '../xds/client/received.ts';
import { TYPE_URLS } from '../xds/resource.ts';
import type * as m from '../xds/tables/messages.gen.ts';
import * as t from '../xds/tables/tables.gen.ts';
import { encode } from '../xds/wire/encode.ts';
import { create, type Table } from '../xds/wire/table.ts';

const P = 'type.googleapis.com/';
export const ADS = create(t.ConfigSourceTable, { configSourceSpecifier: { case: 'ads', value: {} } });

export function any<T extends object>(type: string, table: Table<T>, message: T): m.Any {
  return { typeUrl: `${P}${type}`, value: encode(table, message) };
}

export function meta(fields: Record<string, string>): m.Metadata {
  return { filterMetadata: new Map([['weft.mesh', fields]]) };
}

export function socket(address: string, port: number): m.Address {
  const value = create(t.SocketAddressTable, { address, portSpecifier: { case: 'portValue', value: port } });
  return { address: { case: 'socketAddress', value } };
}

export function cluster(parts: Partial<m.Cluster> = {}): m.Cluster {
  return create(t.ClusterTable, {
    name: 'http|80|a.shop',
    clusterDiscoveryType: { case: 'type', value: 3 },
    edsClusterConfig: { edsConfig: ADS, serviceName: '80|a.shop' },
    lbPolicy: 1,
    metadata: meta({ service: 'a.shop', origin: 'Service/shop/a' }),
    ...parts,
  });
}

export function assignment(addresses: readonly string[], parts: Partial<m.LbEndpoint> = {}): m.ClusterLoadAssignment {
  const lbEndpoints = addresses.map((address) => {
    const endpoint = create(t.EndpointTable, { address: socket(address, 15001) });
    return create(t.LbEndpointTable, { hostIdentifier: { case: 'endpoint', value: endpoint }, ...parts });
  });
  return create(t.ClusterLoadAssignmentTable, {
    clusterName: '80|a.shop',
    endpoints: [create(t.LocalityLbEndpointsTable, { lbEndpoints })],
  });
}

export function routes(action: Partial<m.RouteAction> = {}, match: Partial<m.RouteMatch> = {}): m.RouteConfiguration {
  const value = create(t.RouteActionTable, {
    clusterSpecifier: { case: 'cluster', value: 'http|80|a.shop' },
    ...action,
  });
  const route = create(t.RouteTable, {
    name: 'to-a',
    match: create(t.RouteMatchTable, { pathSpecifier: { case: 'prefix', value: '/' }, ...match }),
    action: { case: 'route', value },
    metadata: meta({ origin: 'HTTPRoute/shop/a' }),
  });
  const host = create(t.VirtualHostTable, { name: 'a', domains: ['a'], routes: [route] });
  return create(t.RouteConfigurationTable, { name: 'outbound', virtualHosts: [host] });
}

export const ROUTER = create(t.HttpFilterTable, {
  name: 'router',
  configType: {
    case: 'typedConfig',
    value: { typeUrl: `${P}envoy.extensions.filters.http.router.v3.Router`, value: new Uint8Array() },
  },
});

export function httpFilter(typeUrl: string, value: number[], isOptional = false): m.HttpFilter {
  const config = { typeUrl, value: Uint8Array.from(value) };
  return create(t.HttpFilterTable, { name: 'guard', isOptional, configType: { case: 'typedConfig', value: config } });
}

export function listener(
  filters: readonly m.HttpFilter[] = [],
  parts: Partial<m.Listener> = {},
  configSource: m.ConfigSource = ADS,
): m.Listener {
  const manager = create(t.HttpConnectionManagerTable, {
    routeSpecifier: { case: 'rds', value: { configSource, routeConfigName: 'outbound' } },
    httpFilters: [...filters, ROUTER],
  });
  const type = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
  const value = any(type, t.HttpConnectionManagerTable, manager);
  const chain = create(t.FilterChainTable, {
    name: 'http',
    filters: [{ name: 'hcm', configType: { case: 'typedConfig', value } }],
  });
  return create(t.ListenerTable, {
    name: 'outbound|http-proxy',
    address: socket('127.0.0.1', 15080),
    trafficDirection: 2,
    filterChains: [chain],
    ...parts,
  });
}

let version = 0;
export function received<T extends { name: string } | { clusterName: string }>(
  type: string,
  table: Table<T>,
  message: T,
): ReceivedResource {
  const name = 'name' in message ? message.name : message.clusterName;
  return { type, name, version: String(++version), bytes: encode(table, message) };
}
export const asCluster = (message: m.Cluster): ReceivedResource => received(TYPE_URLS.cluster, t.ClusterTable, message);
export const asEndpoints = (message: m.ClusterLoadAssignment): ReceivedResource =>
  received(TYPE_URLS.endpoints, t.ClusterLoadAssignmentTable, message);
export const asRoutes = (message: m.RouteConfiguration): ReceivedResource =>
  received(TYPE_URLS.routes, t.RouteConfigurationTable, message);
export const asListener = (message: m.Listener): ReceivedResource =>
  received(TYPE_URLS.listener, t.ListenerTable, message);
export const asVirtualHost = (message: m.VirtualHost): ReceivedResource =>
  received(TYPE_URLS.virtualHosts, t.VirtualHostTable, message);

/** A host of the table `outbound` that came by itself. */
export function virtualHost(authority: string, cluster: string): m.VirtualHost {
  const [host] = routes({ clusterSpecifier: { case: 'cluster', value: cluster } }).virtualHosts;
  return create(t.VirtualHostTable, { ...host, name: `outbound/${authority}`, domains: [authority] });
}
