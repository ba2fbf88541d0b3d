/**
 * What the exchanges of one downstream connection have in common: who calls, through which listener, under which
 * manager. Resolved once when the connection is accepted, so that a request looks nothing of it up.
 */
import type { ConnectionInfo } from '../../core/runtime.ts';
import type { Filter } from '../../http/filter.ts';
import type { Slots } from '../../http/exchange.ts';
import type { ShownMetadata } from '../../snapshot/format/facts.ts';
import type { RouteEntry } from '../../snapshot/route-table.ts';
import type { HttpManager } from '../../snapshot/snapshot.ts';
import type { Direction, Edge } from '../telemetry/edge.ts';
import { clientCertField } from './identity-fields.ts';
import { type Origin, originOf } from './origin-fields.ts';
import type { RouterWorld } from './router-world.ts';

/** The filters of a manager, in order, with a route's overrides applied. */
export interface FilterSet {
  chain(entry: RouteEntry): readonly Filter[];
}

/** What a format may say of where a connection came in. */
export interface Place {
  readonly chainName: string;
  /** Of the listener. */
  readonly metadata: ShownMetadata | undefined;
}

const NOWHERE: Place = { chainName: '', metadata: undefined };

export class Downstream {
  readonly world: RouterWorld;
  readonly manager: HttpManager;
  readonly filters: FilterSet;
  readonly direction: Direction;
  readonly info: ConnectionInfo;
  /** TLS of the mesh ends here: our identity must be valid to serve. */
  readonly secure: boolean;
  /** The caller's SPIFFE id; empty when it has none that was verified. */
  readonly peer: string;
  /** Inbound: from the caller to this workload. Outbound: for exchanges that never got to a cluster. */
  readonly edge: Edge;
  /** What to say of the caller in `x-forwarded-client-cert`; null: nothing. */
  readonly clientCert: Uint8Array | null;
  /** What requests are told of this connection; null: nothing. */
  readonly origin: Origin | null;
  /** Filled by filters; lives as long as the connection. */
  readonly memo: Slots = [];
  readonly connectionId: number;
  readonly place: Place;
  /** Set by the owner of the connection: it went to another handler. */
  onHandedOver: () => void = () => {};

  constructor(
    world: RouterWorld,
    manager: HttpManager,
    filters: FilterSet,
    direction: Direction,
    info: ConnectionInfo,
    secure: boolean,
    place: Place = NOWHERE,
  ) {
    this.world = world;
    this.manager = manager;
    this.filters = filters;
    this.direction = direction;
    this.info = info;
    this.secure = secure;
    this.connectionId = world.logFiles.nextConnection();
    this.place = place;
    this.peer = secure ? (info.tls?.peer?.uris[0] ?? '') : '';
    this.edge = edgeOf(world, direction, info, secure);
    const own = world.identity.svid?.id ?? '';
    const says = direction === 'inbound' && manager.forwardClientCert !== 'sanitize' && this.peer !== '';
    this.origin = originOf(manager.origin, info);
    this.clientCert = says ? clientCertField(own, this.peer) : null;
  }

  /** Not empty: the mesh side of this connection may not be used, and why. */
  get fault(): string {
    return this.secure ? this.world.identity.faultWith(this.info.tls?.peer ?? null) : '';
  }
}

/** The edge of a connection before any cluster is known. */
export function edgeOf(world: RouterWorld, direction: Direction, info: ConnectionInfo, secure: boolean): Edge {
  const { telemetry } = world;
  if (direction === 'outbound') return telemetry.edge('outbound', telemetry.service, 'unknown', false);
  const source = secure ? serviceOf(info.tls?.peer?.uris[0] ?? '') : 'unknown';
  return telemetry.edge('inbound', source, telemetry.service, secure);
}

/** `spiffe://td/ns/shop/sa/web` → `web.shop`; any other id as it is. */
export function serviceOf(id: string): string {
  const parts = /^spiffe:\/\/[^/]+\/ns\/([^/]+)\/sa\/([^/]+)$/.exec(id);
  return parts === null ? id || 'unknown' : `${parts[2]}.${parts[1]}`;
}
