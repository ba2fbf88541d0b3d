/** What a patch can be on: the message of each, the resource that it is in, and what may be done with it. */
import type { DescMessage } from '@bufbuild/protobuf';
import { ClusterSchema } from '../../protos/gen/envoy/config/cluster/v3/cluster_pb.ts';
import { FilterChainSchema, FilterSchema } from '../../protos/gen/envoy/config/listener/v3/listener_components_pb.ts';
import { ListenerSchema } from '../../protos/gen/envoy/config/listener/v3/listener_pb.ts';
import { RouteSchema, VirtualHostSchema } from '../../protos/gen/envoy/config/route/v3/route_components_pb.ts';
import { RouteConfigurationSchema } from '../../protos/gen/envoy/config/route/v3/route_pb.ts';
import { HttpFilterSchema } from '../../protos/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import { TYPE_URLS } from '../../xds/resource.ts';

export const SUBJECT_NAMES = [
  'Listener',
  'FilterChain',
  'NetworkFilter',
  'HttpFilter',
  'RouteConfiguration',
  'VirtualHost',
  'Route',
  'Cluster',
] as const;

export type SubjectName = (typeof SUBJECT_NAMES)[number];
export type PatchedType = (typeof TYPE_URLS)['listener' | 'routes' | 'cluster'];

export interface Subject {
  readonly schema: DescMessage;
  /** Of the resource that it is, or is in. */
  readonly type: PatchedType;
  readonly operations: readonly ('merge' | 'add' | 'remove')[];
  /** Fields of `match` that mean something besides name, direction, port and service. */
  readonly matches: readonly ('filterChain' | 'filter' | 'virtualHost' | 'route')[];
  /** Fields that decide what Weft answers for, with whose business they are. */
  readonly kept: Readonly<Record<string, string>>;
}

const MTLS = 'mTLS is decided by PeerAuthentication';
const PLACE = 'where a proxy listens is decided by its agent';
const NAME = 'others refer to it by name';
const HTTP_FILTERS = 'Patch on HttpFilter';

export const SUBJECTS: Readonly<Record<SubjectName, Subject>> = {
  Listener: {
    schema: ListenerSchema,
    type: TYPE_URLS.listener,
    operations: ['merge', 'add', 'remove'],
    matches: [],
    kept: {
      name: NAME,
      address: PLACE,
      additionalAddresses: PLACE,
      filterChains: 'Patch on FilterChain',
      apiListener: HTTP_FILTERS,
    },
  },
  FilterChain: {
    schema: FilterChainSchema,
    type: TYPE_URLS.listener,
    operations: ['merge', 'remove'],
    matches: ['filterChain'],
    kept: { name: NAME, transportSocket: MTLS, filterChainMatch: MTLS, filters: 'Patch on NetworkFilter' },
  },
  NetworkFilter: {
    schema: FilterSchema,
    type: TYPE_URLS.listener,
    operations: ['merge', 'add', 'remove'],
    matches: ['filterChain', 'filter'],
    kept: {},
  },
  HttpFilter: {
    schema: HttpFilterSchema,
    type: TYPE_URLS.listener,
    operations: ['merge', 'add', 'remove'],
    matches: ['filterChain', 'filter'],
    kept: {},
  },
  RouteConfiguration: {
    schema: RouteConfigurationSchema,
    type: TYPE_URLS.routes,
    operations: ['merge'],
    matches: [],
    kept: { name: NAME, virtualHosts: 'Patch on VirtualHost' },
  },
  VirtualHost: {
    schema: VirtualHostSchema,
    type: TYPE_URLS.routes,
    operations: ['merge', 'add', 'remove'],
    matches: ['virtualHost'],
    kept: { name: NAME, routes: 'Patch on Route' },
  },
  Route: {
    schema: RouteSchema,
    type: TYPE_URLS.routes,
    operations: ['merge', 'add', 'remove'],
    matches: ['virtualHost', 'route'],
    kept: { name: NAME },
  },
  Cluster: {
    schema: ClusterSchema,
    type: TYPE_URLS.cluster,
    operations: ['merge', 'add', 'remove'],
    matches: [],
    kept: {
      name: NAME,
      type: 'where endpoints come from is the Service’s',
      clusterType: 'where endpoints come from is the Service’s',
      edsClusterConfig: 'where endpoints come from is the Service’s',
      loadAssignment: 'where endpoints come from is the Service’s',
      transportSocket: MTLS,
      transportSocketMatches: MTLS,
    },
  },
};
