/**
 * What goes over xDS: one named, versioned blob of protobuf and the places in users' resources that it came from.
 * Both ends of a stream, the generator and the copy on disk name it, so it stands at the root of `xds/`.
 */
import type { Origin } from '../api/resource.ts';

/** The types that Weft serves and its proxy asks for, by the name of their discovery service. */
export const TYPE_URLS = {
  cluster: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  endpoints: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
  listener: 'type.googleapis.com/envoy.config.listener.v3.Listener',
  routes: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
  secret: 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
  /** Delta only, and for clients that ask for the hosts of a route configuration as they are called. */
  virtualHosts: 'type.googleapis.com/envoy.config.route.v3.VirtualHost',
} as const;

export type TypeUrl = (typeof TYPE_URLS)[keyof typeof TYPE_URLS];

/**
 * The order in which a change is safe to apply (make before break): a route never names a cluster that its proxy has
 * not yet, a listener never a missing route. Removals go the other way, after everything.
 */
export const TYPE_ORDER: readonly TypeUrl[] = [
  TYPE_URLS.cluster,
  TYPE_URLS.endpoints,
  TYPE_URLS.listener,
  TYPE_URLS.routes,
  TYPE_URLS.virtualHosts,
  TYPE_URLS.secret,
];

/** Immutable, and shared by every stream that carries it. */
export interface XdsResource {
  readonly type: TypeUrl;
  readonly name: string;
  /** A hash of what makes up `bytes`: equal on every replica and after every restart. */
  readonly version: string;
  /** The message of `type`, without its Any. */
  readonly bytes: Uint8Array;
  /** Of `bytes`, where they are made anew each time that they are asked for. */
  readonly size?: number;
  readonly origins: readonly Origin[];
  /** Other names that it answers to; of virtual hosts only. Part of `version`. */
  readonly aliases?: readonly string[];
}

/** Everything that one proxy should have: by type, then by name. A type without an entry has no resources. */
export type XdsView = ReadonlyMap<TypeUrl, ReadonlyMap<string, XdsResource>>;

/** `Cluster` of `type.googleapis.com/envoy.config.cluster.v3.Cluster`: for people, in messages. */
export function shortTypeName(typeUrl: string): string {
  return typeUrl.slice(typeUrl.lastIndexOf('.') + 1);
}

/** Of its bytes. */
export function sizeOf(resource: XdsResource): number {
  return resource.size ?? resource.bytes.length;
}
