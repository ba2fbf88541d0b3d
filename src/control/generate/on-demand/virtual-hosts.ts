/**
 * The virtual hosts of the explicit proxy, one for each authority that a proxy has asked for: the port of the Service that
 * it means, else the way out of the mesh. Every authority is answered, or a proxy would hold the request.
 */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { View } from '../../../api/reader.ts';
import { RouteConfigurationSchema } from '../../../protos/gen/envoy/config/route/v3/route_pb.ts';
import {
  type HeaderMatcher,
  HeaderMatcherSchema,
  VirtualHostSchema,
} from '../../../protos/gen/envoy/config/route/v3/route_components_pb.ts';
import { TYPE_URLS, type XdsResource } from '../../../xds/resource.ts';
import { OUTBOUND_ROUTES } from '../names.ts';
import { resourceOf, sameResource } from '../resource.ts';
import { httpRoutes } from '../routes/http-routes.ts';
import { passthroughRoutes, throughHttpProxy } from '../routes/route-configs.ts';
import { servicePortFacts } from '../service-port.ts';
import { ADS } from '../tls.ts';
import { OUTSIDE, portNamed } from './authority.ts';

export interface HostKey {
  /** The namespace of the callers. */
  readonly caller: string;
  /** In lower case. */
  readonly authority: string;
}

export const hostOnDemand: View<HostKey, XdsResource> = {
  name: 'host-on-demand',
  id: ({ caller, authority }) => `${authority} for ${caller}`,
  derive(read, { caller, authority }) {
    const port = portNamed(authority, caller);
    const facts = port === null ? null : read.view(servicePortFacts, port);
    const version = facts === null ? null : throughHttpProxy(facts.protocol);
    if (port === null || version === null) return virtualHost(authority, passthroughRoutes());
    const { routes, origins } = read.view(httpRoutes, { ...port, caller, version });
    return virtualHost(authority, [...routes], origins);
  },
  same: sameResource,
};

/** RFC 2606: nobody has it. */
const SEED = 'seed.invalid';

/** Envoy waits 15 s for a first answer that has a virtual host in it. */
export const SEED_HOST = virtualHost(SEED, []);

/**
 * The table that virtual hosts are added to as they are asked for. What no Service can be called leads out of the mesh
 * without a question, and so while the control plane is away.
 */
export const ROUTES_ON_DEMAND = resourceOf(
  TYPE_URLS.routes,
  OUTBOUND_ROUTES,
  RouteConfigurationSchema,
  create(RouteConfigurationSchema, {
    name: OUTBOUND_ROUTES,
    virtualHosts: [
      {
        name: 'passthrough',
        domains: ['*'],
        routes: passthroughRoutes([authorityFits(OUTSIDE.fits, true), authorityFits(OUTSIDE.fitsNot, false)]),
      },
    ],
    vhds: { configSource: ADS },
    validateClusters: false,
  }),
  [],
);

function authorityFits(regex: string, fits: boolean): HeaderMatcher {
  const value = { matchPattern: { case: 'safeRegex', value: { regex } } } as const;
  const headerMatchSpecifier = { case: 'stringMatch', value } as const;
  return create(HeaderMatcherSchema, { name: ':authority', headerMatchSpecifier, invertMatch: !fits });
}

function virtualHost(
  authority: string,
  routes: NonNullable<MessageInitShape<typeof VirtualHostSchema>['routes']>,
  origins: XdsResource['origins'] = [],
): XdsResource {
  const name = `${OUTBOUND_ROUTES}/${authority}`;
  const message = create(VirtualHostSchema, { name, domains: [authority], routes });
  return resourceOf(TYPE_URLS.virtualHosts, name, VirtualHostSchema, message, origins);
}
