/** What a format may ask of a relayed connection: everything about messages is nothing there. */
import type { ConnectionInfo } from '../../core/runtime.ts';
import type { ResponseFlag } from '../../http/flags.ts';
import type { Facts, LogType, MetadataOf, ShownMetadata } from '../../snapshot/format/facts.ts';
import { codeDetails } from './code-details.ts';
import type { ClusterConfig } from '../../snapshot/snapshot.ts';
import type { UpstreamHost } from '../cluster/attempt.ts';
import type { Place } from './downstream.ts';
import { hostMetadata } from './host-metadata.ts';
import type { RouterWorld } from './router-world.ts';

/** The relay, as far as a format looks. */
export interface RelayRecord {
  readonly flag: ResponseFlag;
  readonly detail: string;
  readonly startedAt: number;
  readonly durationMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly retries: number;
  readonly upstream: string;
  readonly cluster: { readonly name: string; readonly config: ClusterConfig } | null;
  readonly host: UpstreamHost | null;
  readonly connection: ConnectionInfo;
  readonly upstreamConnection: ConnectionInfo | null;
}

export class RelayFacts implements Facts {
  readonly request = null;
  readonly response = null;
  readonly trailers = null;
  readonly originalPath = '';
  readonly status = 0;
  readonly grpcStatus = -1;
  readonly requestMs = -1;
  readonly responseMs = -1;
  readonly routeName = '';
  readonly replyBody = '';
  readonly upstreamProtocol = '';
  readonly logType: LogType;
  readonly flag: ResponseFlag;
  readonly codeDetails: string;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly startedAtWallMs: number;
  readonly durationMs: number;
  readonly connection: ConnectionInfo;
  readonly connectionId: number;
  readonly chainName: string;
  readonly clusterName: string;
  readonly upstreamHost: string;
  readonly upstream: ConnectionInfo | null;
  readonly attempts: number;
  readonly #world: RouterWorld;
  readonly #of: RelayRecord;
  readonly #place: Place;

  constructor(
    world: RouterWorld,
    of: RelayRecord,
    connectionId: number,
    place: Place,
    logType: LogType = 'TcpConnectionEnd',
  ) {
    this.#world = world;
    this.logType = logType;
    this.#of = of;
    this.#place = place;
    this.flag = of.flag;
    this.codeDetails = detailsOf(of);
    this.bytesIn = of.bytesIn;
    this.bytesOut = of.bytesOut;
    this.startedAtWallMs = world.wallTime.at(of.startedAt);
    this.durationMs = of.durationMs;
    this.connection = of.connection;
    this.connectionId = connectionId;
    this.chainName = place.chainName;
    this.clusterName = of.cluster?.name ?? '';
    this.upstreamHost = of.upstream;
    this.upstream = of.upstreamConnection;
    this.attempts = of.cluster === null ? 0 : of.retries + 1;
  }

  nowWallMs(): number {
    return this.#world.runtime.clock.wall();
  }

  metadata(of: MetadataOf): ShownMetadata | undefined {
    const { cluster, host } = this.#of;
    if (of === 'cluster') return cluster?.config.metadata;
    if (of === 'listener') return this.#place.metadata;
    return of === 'host' ? hostMetadata(host) : undefined;
  }

  random(): number {
    return this.#world.runtime.random.next();
  }

  uniqueId(): string {
    return this.#world.fields.uuid();
  }
}

function detailsOf({ flag, detail }: RelayRecord): string {
  if (flag === '') return '';
  return flag === 'NR' ? 'filter_chain_not_found' : codeDetails(flag, detail, false);
}
