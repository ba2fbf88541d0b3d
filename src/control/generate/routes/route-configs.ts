/**
 * RouteConfigurations: one for each port of a Service (its VIP and its internal listener), and one that joins all
 * Services that a proxy may use, for the explicit HTTP proxy, by every name that their callers write.
 */
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import type { View } from '../../../api/reader.ts';
import { RouteConfigurationSchema } from '../../../protos/gen/envoy/config/route/v3/route_pb.ts';
import type {
  HeaderMatcher,
  VirtualHostSchema,
} from '../../../protos/gen/envoy/config/route/v3/route_components_pb.ts';
import { retryPolicy } from '../../../policies/backend-traffic/compile/retry.ts';
import { xdsResource } from '../../../xds/content-version.ts';
import { TYPE_URLS, type XdsResource } from '../../../xds/resource.ts';
import {
  hostOf,
  HTTP_PORT,
  OUTBOUND_ROUTES,
  type HttpVersion,
  routesName,
  PASSTHROUGH_HTTP,
  PASSTHROUGH_TCP,
  portKeyText,
  type ServicePortKey,
} from '../names.ts';
import { durationOf } from '../../../protos/init.ts';
import { joinMessages, resourceOf, sameResource } from '../resource.ts';
import { httpVersionsOf, type PortProtocol } from '../protocol.ts';
import { servicePortFacts } from '../service-port.ts';
import { type UsersKey, usedPorts } from '../used-services.ts';
import { ANY_PATH, CONNECT_MATCH } from './http-match.ts';
import { connectAction, httpRoutes } from './http-routes.ts';
import { type CallerPortKey, type HttpRoutesKey, routesKeyText } from './caller.ts';

type VirtualHostInit = MessageInitShape<typeof VirtualHostSchema>;

export const portRoutes: View<HttpRoutesKey, XdsResource> = {
  name: 'port-routes',
  id: routesKeyText,
  derive(read, key) {
    const { routes, origins } = read.view(httpRoutes, key);
    const name = routesName(key, key.version);
    const message = create(RouteConfigurationSchema, {
      name,
      virtualHosts: [{ name: hostOf(key), domains: ['*'], routes: [...routes] }],
      validateClusters: false,
    });
    return resourceOf(TYPE_URLS.routes, name, RouteConfigurationSchema, message, origins);
  },
  same: sameResource,
};

export const outboundRoutes: View<Pick<UsersKey, 'namespace' | 'uses'>, XdsResource> = {
  name: 'outbound-routes',
  id: usersText,
  derive(read, key) {
    const hosts = read.view(proxiedHosts, key).filter((host) => host !== null);
    const bytes = joinMessages([NAME_BYTES, ...hosts, PASSTHROUGH_BYTES]);
    return xdsResource(TYPE_URLS.routes, OUTBOUND_ROUTES, bytes, []);
  },
  same: sameResource,
};

const proxiedHosts: View<UsersKey, readonly (Uint8Array | null)[]> = {
  name: 'proxied-hosts',
  id: usersText,
  derive: (read, key) =>
    read.view(usedPorts, key).map((port) => read.view(proxiedHost, { ...port, caller: key.namespace })),
  patch(previous, changes) {
    if (changes.some(({ view, before }) => view !== proxiedHost.name || before === null)) return undefined;
    const now = new Map(changes.map(({ before, after }) => [before, after as Uint8Array | null]));
    return previous.map((host) => (now.has(host) ? (now.get(host) ?? null) : host));
  },
  same: (a, b) => a === b,
};

function usersText({ namespace, uses }: UsersKey): string {
  return `${namespace} ${uses ?? '*'}`;
}

/**
 * A port as the explicit HTTP proxy knows it: the bytes of a RouteConfiguration that has nothing but this host. They are
 * part of that of every set of services that has the port; null: it is none for HTTP.
 */
const proxiedHost: View<CallerPortKey, Uint8Array | null> = {
  name: 'proxied-host',
  id: (key) => `${portKeyText(key)} for ${key.caller}`,
  derive(read, key) {
    const version = throughHttpProxy(read.view(servicePortFacts, key)?.protocol ?? '');
    if (version === null) return null;
    const { routes } = read.view(httpRoutes, { ...key, version });
    const name = `${hostOf(key)}:${key.port}`;
    return routeBytes({ virtualHosts: [{ name, domains: domainsOf(key, key.caller), routes: [...routes] }] });
  },
  same: (a, b) => a === b || (a !== null && b !== null && Buffer.compare(a, b) === 0),
};

function routeBytes(part: MessageInitShape<typeof RouteConfigurationSchema>): Uint8Array {
  return toBinary(RouteConfigurationSchema, create(RouteConfigurationSchema, part));
}

/**
 * The version of HTTP that the explicit proxy takes to a port: what it declares, else HTTP/1.1, because that is what
 * clients speak to proxies; with CONNECT the port's own listener detects it. null: none, the port is not HTTP.
 */
export function throughHttpProxy(protocol: PortProtocol): HttpVersion | null {
  return httpVersionsOf(protocol)[0] ?? null;
}

/** Every name of a Service's port as a caller in `caller` may write it. */
export function domainsOf(key: ServicePortKey, caller: string): string[] {
  const { service, namespace, port } = key;
  const full = `${service}.${namespace}`;
  const names = [full, `${full}.svc`, `${full}.svc.cluster.local`];
  if (caller === namespace) names.unshift(service);
  return names.flatMap((name) => (port === HTTP_PORT ? [name, `${name}:${port}`] : [`${name}:${port}`]));
}

/** To wherever the request says. `headers`: of which requests; default: of all. */
export function passthroughRoutes(headers: HeaderMatcher[] = []): NonNullable<VirtualHostInit['routes']> {
  return [
    {
      name: 'passthrough connect',
      match: { ...CONNECT_MATCH, headers },
      action: { case: 'route', value: connectAction(PASSTHROUGH_TCP) },
    },
    {
      name: 'passthrough',
      match: { ...ANY_PATH, headers },
      action: {
        case: 'route',
        value: {
          clusterSpecifier: { case: 'cluster', value: PASSTHROUGH_HTTP },
          timeout: durationOf(0),
          retryPolicy: retryPolicy(undefined, false, 0),
        },
      },
    },
  ];
}

const NAME_BYTES = routeBytes({ name: OUTBOUND_ROUTES });
const PASSTHROUGH_BYTES = routeBytes({
  virtualHosts: [{ name: 'passthrough', domains: ['*'], routes: passthroughRoutes() }],
  validateClusters: false,
});
