/**
 * What is known of an exchange at any time: who asked for what, which route and host it got, how it ended. The half of
 * the class that only remembers; `exchange.ts` is the half that acts. One object on purpose: it is made per request.
 */
import type { Address, ConnectionInfo } from '../../core/runtime.ts';
import type { RouteInfo, Slots } from '../../http/exchange.ts';
import type { ResponseFlag } from '../../http/flags.ts';
import { isGrpcCall } from '../../http/grpc/content.ts';
import { isGrpcFailure } from '../../http/grpc/status.ts';
import type { Head } from '../../http/head.ts';
import type { Facts, FactsOwner, ShownMetadata } from '../../snapshot/format/facts.ts';
import type { RouteEntry } from '../../snapshot/route-table.ts';
import type { UpstreamHost } from '../cluster/attempt.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { EndedRecord } from '../telemetry/access-log.ts';
import type { Edge } from '../telemetry/edge.ts';
import type { Downstream } from './downstream.ts';
import { ExchangeClock } from './exchange-clock.ts';
import { ExchangeFacts, type FormattedExchange } from './exchange-facts.ts';
import { FormatNotes } from './format-notes.ts';
import { NO_DEADLINE } from './grpc-deadline.ts';

export abstract class ExchangeRecord extends ExchangeClock implements EndedRecord, FactsOwner, FormattedExchange {
  readonly request: Head;
  response: Head | null = null;
  ended = false;
  readonly startedAt: number;
  status = 0;
  flag: ResponseFlag = '';
  detail = '';
  durationMs = 0;
  bytesIn = 0;
  bytesOut = 0;
  retries = 0;
  /** The request is a gRPC call. */
  readonly isGrpc: boolean;
  grpcStatus = -1;
  /** When the caller of a gRPC call gives up, on the clock of `startedAt`. */
  deadlineAt = NO_DEADLINE;
  readonly down: Downstream;
  protected entry: RouteEntry | null = null;
  cluster: Cluster | null = null;
  /** The last host that was tried; tells the edge whether mTLS was used. */
  host: UpstreamHost | null = null;
  /** null: nobody formats anything of it. */
  notes: FormatNotes | null = null;
  #state: Slots | null = null;
  /** What filters had to say, for the log. */
  #notes = '';
  #noted: ResponseFlag = '';

  constructor(down: Downstream, request: Head) {
    const { world } = down;
    super(world.timers, world.runtime.clock, down.manager.streamIdleTimeoutMs);
    this.down = down;
    this.request = request;
    this.isGrpc = isGrpcCall(request);
    this.startedAt = world.runtime.clock.now();
    if (down.manager.accessLogs !== null || down.manager.localReplies !== undefined)
      this.notes = new FormatNotes(request);
  }

  get connection(): ConnectionInfo {
    return this.down.info;
  }

  get route(): RouteInfo | null {
    return this.entry === null ? null : this.entry.info;
  }

  get routeMetadata(): ShownMetadata | undefined {
    return this.entry?.metadata;
  }

  get routeName(): string {
    return this.entry === null ? '' : this.entry.info.name;
  }

  get upstream(): string {
    return this.host === null ? '' : this.host.key;
  }

  get memo(): Slots {
    return this.down.memo;
  }

  get state(): Slots {
    this.#state ??= [];
    return this.#state;
  }

  note(text: string, flag: ResponseFlag = ''): void {
    this.#noted ||= flag;
    this.#notes = this.#notes === '' ? text : `${this.#notes}; ${text}`;
  }

  authority(): string {
    return this.request.authorityText;
  }

  destination(): Address {
    return this.down.world.destination.of(this.down.info);
  }

  source(): Address {
    return this.down.info.remote;
  }

  /** In the words of whoever reads an error: the service where it is known, else what was asked for. */
  get serviceName(): string {
    const { cluster } = this;
    return cluster === null ? this.request.authorityText : cluster.config.service || cluster.name;
  }

  /** The callee answered that it failed. */
  protected get isFailed(): boolean {
    return this.grpcStatus >= 0 ? isGrpcFailure(this.grpcStatus) : this.status >= 500;
  }

  /** At the end, because what it ended with has the first word. */
  protected addNotes(): void {
    if (this.#notes === '') return;
    this.detail = this.detail === '' ? this.#notes : `${this.detail}; ${this.#notes}`;
    this.flag ||= this.#noted;
  }

  /** Writes metrics and the log line, while the heads are still there. */
  protected observe(): void {
    const { world } = this.down;
    this.durationMs = world.runtime.clock.now() - this.startedAt;
    const edge = this.#edge();
    edge.countRequest(this.status, this.flag, this.durationMs, this.grpcStatus);
    world.accessLog?.write(this, edge);
    const { accessLogs } = this.down.manager;
    if (accessLogs !== null) world.logFiles.write(accessLogs, this);
  }

  facts(): Facts {
    return new ExchangeFacts(this);
  }

  #edge(): Edge {
    const { cluster, host } = this;
    if (this.down.direction === 'inbound' || cluster === null) return this.down.edge;
    return cluster.edge(host === null ? cluster.secure : host.secure, this);
  }
}
