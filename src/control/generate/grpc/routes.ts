/**
 * The routes of a port as gRPC clients take them (gRFC A28, A31, A44): those that sidecars of the same callers have, so
 * that a rule means the same in every data plane, in the terms that gRPC knows.
 */
import { create } from '@bufbuild/protobuf';
import type { View } from '../../../api/reader.ts';
import { RouteConfigurationSchema } from '../../../protos/gen/envoy/config/route/v3/route_pb.ts';
import { TYPE_URLS, type XdsResource } from '../../../xds/resource.ts';
import { clusterName, hostOf } from '../names.ts';
import { resourceOf, sameResource } from '../resource.ts';
import type { CallerPortKey } from '../routes/caller.ts';
import { httpRoutes } from '../routes/http-routes.ts';
import { grpcName } from './names.ts';
import { narrowRoute } from './narrow-route.ts';

export const grpcRoutes: View<CallerPortKey, XdsResource> = {
  name: 'grpc-routes',
  id: (key) => `${grpcName(key)} for ${key.caller}`,
  derive(read, key) {
    const { routes, backends, origins } = read.view(httpRoutes, { ...key, version: 'http2' });
    const clusters = new Map(backends.map((backend) => [clusterName(backend.carries, backend), grpcName(backend)]));
    const message = create(RouteConfigurationSchema, {
      name: grpcName(key),
      virtualHosts: [
        { name: hostOf(key), domains: ['*'], routes: routes.flatMap((route) => narrowRoute(route, clusters)) },
      ],
    });
    return resourceOf(TYPE_URLS.routes, message.name, RouteConfigurationSchema, message, origins);
  },
  same: sameResource,
};
