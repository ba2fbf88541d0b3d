/** What a format may ask of an exchange: a view of its record, made when somebody asks. */
import type { ConnectionInfo } from '../../core/runtime.ts';
import type { RouteInfo } from '../../http/exchange.ts';
import type { ResponseFlag } from '../../http/flags.ts';
import type { Head } from '../../http/head.ts';
import type { Facts, MetadataOf, ShownMetadata } from '../../snapshot/format/facts.ts';
import { codeDetails } from './code-details.ts';
import type { ClusterConfig } from '../../snapshot/snapshot.ts';
import type { UpstreamHost } from '../cluster/attempt.ts';
import type { Downstream } from './downstream.ts';
import { hostMetadata } from './host-metadata.ts';
import type { FormatNotes } from './format-notes.ts';

/** The record, as far as a format looks. */
export interface FormattedExchange {
  readonly down: Downstream;
  readonly request: Head;
  readonly response: Head | null;
  readonly notes: FormatNotes | null;
  readonly route: RouteInfo | null;
  readonly routeMetadata: ShownMetadata | undefined;
  readonly cluster: { readonly name: string; readonly config: ClusterConfig } | null;
  readonly host: UpstreamHost | null;
  /** Key of the endpoint; empty: none was picked. */
  readonly upstream: string;
  readonly status: number;
  readonly flag: ResponseFlag;
  readonly detail: string;
  readonly grpcStatus: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly retries: number;
  readonly startedAt: number;
  readonly durationMs: number;
  readonly ended: boolean;
}

export class ExchangeFacts implements Facts {
  readonly logType = 'DownstreamEnd';
  readonly #of: FormattedExchange;

  constructor(of: FormattedExchange) {
    this.#of = of;
  }

  get request(): Head {
    return this.#of.request;
  }

  get response(): Head | null {
    return this.#of.response;
  }

  get trailers(): Head | null {
    return this.#of.notes?.trailers ?? null;
  }

  get originalPath(): string {
    const { request, notes } = this.#of;
    return notes === null ? request.pathText : request.slice(notes.pathStart, notes.pathEnd);
  }

  get status(): number {
    return this.#of.status;
  }

  get flag(): ResponseFlag {
    return this.#of.flag;
  }

  get codeDetails(): string {
    const { flag, detail, notes } = this.#of;
    return codeDetails(flag, detail, notes !== null && notes.respondedAt >= 0);
  }

  get replyBody(): string {
    return this.#of.notes?.replyBody ?? '';
  }

  get grpcStatus(): number {
    return this.#of.grpcStatus;
  }

  get bytesIn(): number {
    return this.#of.bytesIn;
  }

  get bytesOut(): number {
    return this.#of.bytesOut;
  }

  get startedAtWallMs(): number {
    return this.#of.down.world.wallTime.at(this.#of.startedAt);
  }

  nowWallMs(): number {
    return this.#of.down.world.runtime.clock.wall();
  }

  get durationMs(): number {
    const { ended, durationMs, startedAt, down } = this.#of;
    return ended ? durationMs : down.world.runtime.clock.now() - startedAt;
  }

  get requestMs(): number {
    return this.#since(this.#of.notes?.requestEndedAt ?? -1);
  }

  get responseMs(): number {
    return this.#since(this.#of.notes?.respondedAt ?? -1);
  }

  get connection(): ConnectionInfo {
    return this.#of.down.info;
  }

  get connectionId(): number {
    return this.#of.down.connectionId;
  }

  get chainName(): string {
    return this.#of.down.place.chainName;
  }

  /** Its own: for people a route without a name is called after its virtual host. */
  get routeName(): string {
    const { route } = this.#of;
    return route === null || route.name === route.virtualHost ? '' : route.name;
  }

  get clusterName(): string {
    return this.#of.cluster?.name ?? '';
  }

  get upstreamHost(): string {
    return this.#of.upstream;
  }

  get upstreamProtocol(): string {
    const { cluster, host, flag } = this.#of;
    if (cluster === null || host === null || flag === 'UF') return '';
    const { protocol, clearProtocol } = cluster.config;
    return protocol === 'http2' && (host.secure || clearProtocol === 'http2') ? 'HTTP/2' : 'HTTP/1.1';
  }

  get upstream(): ConnectionInfo | null {
    return this.#of.notes?.upstream ?? null;
  }

  get attempts(): number {
    return this.#of.cluster === null ? 0 : this.#of.retries + 1;
  }

  metadata(of: MetadataOf): ShownMetadata | undefined {
    const { down, cluster, host, routeMetadata } = this.#of;
    switch (of) {
      case 'route':
        return routeMetadata;
      case 'cluster':
        return cluster?.config.metadata;
      case 'listener':
        return down.place.metadata;
      case 'host':
        return hostMetadata(host);
    }
  }

  random(): number {
    return this.#of.down.world.runtime.random.next();
  }

  uniqueId(): string {
    return this.#of.down.world.fields.uuid();
  }

  #since(at: number): number {
    return at < 0 ? -1 : at - this.#of.startedAt;
  }
}
