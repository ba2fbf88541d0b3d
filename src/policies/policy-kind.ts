/**
 * What a kind of policy is besides a kind of resource: where it is enforced, and how it changes the Envoy messages that
 * generation has under construction. Generation calls every policy kind in the order of the list and knows none of them.
 */
import type { Kind } from '../api/kind.ts';
import type { HttpRoute, HttpRouteRule } from '../api/kinds/http-route.ts';
import type { ProxyKind, Workload, WorkloadPort } from '../api/kinds/workload.ts';
import type { Reader } from '../api/reader.ts';
import type { Origin, Resource } from '../api/resource.ts';
import type { Cluster } from '../protos/gen/envoy/config/cluster/v3/cluster_pb.ts';
import type { ClusterLoadAssignment } from '../protos/gen/envoy/config/endpoint/v3/endpoint_pb.ts';
import type { Filter as NetworkFilter } from '../protos/gen/envoy/config/listener/v3/listener_components_pb.ts';
import type { Route } from '../protos/gen/envoy/config/route/v3/route_components_pb.ts';
import type { HttpFilter } from '../protos/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import type { TcpProxy } from '../protos/gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts';

/** One port of a Service. */
export interface ServicePortRef {
  readonly namespace: string;
  readonly service: string;
  readonly port: number;
  /** Empty when it has none. */
  readonly portName: string;
}

export interface Locality {
  /** Empty: unknown, as `zone`. */
  readonly region: string;
  readonly zone: string;
}

/** A message under construction. */
interface Draft {
  /** What a refusal of the message is traced back to: a policy adds the fields of its own that took part. */
  readonly origins: Origin[];
}

/** The cluster of a port's endpoints. */
export interface ClusterDraft extends Draft {
  readonly message: Cluster;
  readonly port: ServicePortRef;
  /** What the applications behind it speak: HTTP/1.1, HTTP/2 by prior knowledge, or anything over TCP. */
  readonly carries: 'http' | 'http2' | 'tcp';
  /** gRPC servers without a proxy are among the endpoints, whose connections are the application's own. */
  readonly proxyless: boolean;
  /** What all of its endpoints are spoken to in. Unset: HTTP/2, the hop between sidecars. */
  readonly hop?: 'http1';
}

/** The endpoints of a port, for callers of one locality. */
export interface AssignmentDraft extends Draft {
  readonly message: ClusterLoadAssignment;
  readonly port: ServicePortRef;
  readonly caller: Locality;
}

/** A route to backends. */
export interface RouteDraft extends Draft {
  readonly message: Route;
  /** The port that is called. */
  readonly port: ServicePortRef;
  /** Where the requests go, without backends that cannot be used. */
  readonly backends: readonly ServicePortRef[];
  /** Whether all requests of this route may be sent twice. */
  readonly idempotent: boolean;
  /** null: no HTTPRoute is attached. */
  readonly source: { readonly route: HttpRoute; readonly rule: HttpRouteRule } | null;
}

/** Raw bytes to backends. */
export interface TcpDraft extends Draft {
  readonly message: TcpProxy;
  readonly backends: readonly ServicePortRef[];
}

/** What stands before an application at one of its ports. */
export interface InboundDraft extends Draft {
  readonly workload: Workload;
  readonly port: WorkloadPort;
  /** The port is declared to carry something else; else HTTP and raw bytes may come, whatever is declared. */
  readonly neverHttp: boolean;
  readonly trustDomain: string;
  /** In order; the router, which comes last, is not among them. */
  readonly http: HttpFilter[];
  /** Of connections of raw bytes, in order, before the TCP proxy. */
  readonly tcp: NetworkFilter[];
}

export interface PolicyKind<Spec = unknown, Status = unknown> extends Kind<Spec, Status> {
  /** The text says what of it is not, or why none of it is. */
  readonly enforcedBy: Readonly<Record<ProxyKind, true | string>>;
  /** Beside whom it is enforced: the workloads that it is for, or those that call. */
  readonly side: 'callee' | 'caller';
  /** What of this very policy is not enforced by a kind of proxy, a clause; null: nothing. Unset: `enforcedBy` as it stands. */
  unenforced?(policy: Resource<Spec, Status>, proxy: ProxyKind): string | null;
  cluster?(draft: ClusterDraft, read: Reader): void;
  assignment?(draft: AssignmentDraft, read: Reader): void;
  route?(draft: RouteDraft, read: Reader): void;
  tcp?(draft: TcpDraft, read: Reader): void;
  inbound?(draft: InboundDraft, read: Reader): void;
  /** Whether one of this kind keeps callers from the workload, so that nobody may reach it past what enforces it. */
  guards?(workload: Workload, read: Reader): boolean;
}
