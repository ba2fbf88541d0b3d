/** `gateway.networking.k8s.io/v1` TCPRoute with a Service as its parent: weighted backends for connections. */
import { z } from 'zod';
import { objectName } from '../fields.ts';
import type { Frozen, Kind } from '../kind.ts';
import type { Resource } from '../resource.ts';
import {
  backendRef,
  backendsText,
  GATEWAY_GROUP,
  parentRefs,
  parentsText,
  routeStatus,
  type RouteStatus,
} from './route.ts';

const rule = z.strictObject({
  name: objectName('subdomain').optional(),
  backendRefs: z.array(backendRef).min(1).max(16),
});

const spec = z.strictObject({
  parentRefs,
  // A connection has nothing to match on, so the standard allows one rule.
  rules: z.array(rule).length(1, { error: 'must have exactly one rule' }),
});

export type TcpRouteSpec = Frozen<z.infer<typeof spec>>;
export type TcpRouteRule = Frozen<z.infer<typeof rule>>;
export type TcpRoute = Resource<TcpRouteSpec, RouteStatus>;

export const tcpRouteKind: Kind<TcpRouteSpec, RouteStatus> = {
  group: GATEWAY_GROUP,
  version: 'v1',
  alsoVersions: ['v1alpha2'],
  kind: 'TCPRoute',
  plural: 'tcproutes',
  singular: 'tcproute',
  shortNames: [],
  namespaced: true,
  nameRule: 'subdomain',
  description: 'How connections to a Service are shared among backends.',
  spec,
  specRequired: true,
  status: routeStatus,
  immutable: [],
  columns: [
    { name: 'PARENTS', wide: false, value: (route) => parentsText(route.spec?.parentRefs ?? []) },
    { name: 'BACKENDS', wide: false, value: (route) => backendsText(route.spec?.rules ?? []) },
  ],
};
