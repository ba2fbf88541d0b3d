/**
 * RouteConfigurations: one for each port of a Service (its VIP and its internal listener), and one that joins all
 * Services that a proxy may use, for the explicit HTTP proxy, by every name that their callers write.
 */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { View } from '../../../api/reader.ts';
import { RouteConfigurationSchema } from '../../../protos/gen/envoy/config/route/v3/route_pb.ts';
import type { VirtualHostSchema } from '../../../protos/gen/envoy/config/route/v3/route_components_pb.ts';
import { TYPE_URLS, type XdsResource } from '../../../xds/resource.ts';
import {
  hostOf,
  OUTBOUND_ROUTES,
  outboundName,
  PASSTHROUGH_HTTP,
  PASSTHROUGH_TCP,
  type ServicePortKey,
} from '../names.ts';
import { durationOf, resourceOf, sameResource } from '../resource.ts';
import { servicePortFacts } from '../service-port.ts';
import { type UsersKey, usedPorts } from '../used-services.ts';
import { ANY_PATH, CONNECT_MATCH } from './http-match.ts';
import { type CallerPortKey, connectAction, httpRoutes } from './http-routes.ts';
import { retryPolicy } from './retry.ts';

type VirtualHostInit = MessageInitShape<typeof VirtualHostSchema>;

/** The port that a URL without one means. */
const HTTP_PORT = 80;

export const portRoutes: View<CallerPortKey, XdsResource> = {
  name: 'port-routes',
  id: (key) => `${outboundName(key)} for ${key.caller}`,
  derive(read, key) {
    const { routes, origins } = read.view(httpRoutes, key);
    const name = outboundName(key);
    const message = create(RouteConfigurationSchema, {
      name,
      virtualHosts: [{ name: hostOf(key), domains: ['*'], routes: [...routes] }],
      validateClusters: false,
    });
    return resourceOf(TYPE_URLS.routes, name, RouteConfigurationSchema, message, origins);
  },
  same: sameResource,
};

export const outboundRoutes: View<UsersKey, XdsResource> = {
  name: 'outbound-routes',
  id: (key) => `${key.namespace} ${key.uses ?? '*'}`,
  derive(read, key) {
    const virtualHosts: VirtualHostInit[] = [];
    for (const port of read.view(usedPorts, key)) {
      if (read.view(servicePortFacts, port)?.protocol === 'tcp') continue;
      const { routes } = read.view(httpRoutes, { ...port, caller: key.namespace });
      virtualHosts.push({
        name: `${hostOf(port)}:${port.port}`,
        domains: domainsOf(port, key.namespace),
        routes: [...routes],
      });
    }
    virtualHosts.push(passthrough());
    const message = create(RouteConfigurationSchema, { name: OUTBOUND_ROUTES, virtualHosts, validateClusters: false });
    return resourceOf(TYPE_URLS.routes, OUTBOUND_ROUTES, RouteConfigurationSchema, message, []);
  },
  same: sameResource,
};

/** Every name of a Service's port as a caller in `caller` may write it. */
export function domainsOf(key: ServicePortKey, caller: string): string[] {
  const { service, namespace, port } = key;
  const full = `${service}.${namespace}`;
  const names = [full, `${full}.svc`, `${full}.svc.cluster.local`];
  if (caller === namespace) names.unshift(service);
  return names.flatMap((name) => (port === HTTP_PORT ? [name, `${name}:${port}`] : [`${name}:${port}`]));
}

function passthrough(): VirtualHostInit {
  return {
    name: 'passthrough',
    domains: ['*'],
    routes: [
      {
        name: 'passthrough connect',
        match: CONNECT_MATCH,
        action: { case: 'route', value: connectAction(PASSTHROUGH_TCP) },
      },
      {
        name: 'passthrough',
        match: ANY_PATH,
        action: {
          case: 'route',
          value: {
            clusterSpecifier: { case: 'cluster', value: PASSTHROUGH_HTTP },
            timeout: durationOf(0),
            retryPolicy: retryPolicy(false, 0),
          },
        },
      },
    ],
  };
}
