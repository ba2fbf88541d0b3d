/**
 * Raw bytes between a downstream connection and an endpoint, each direction until its own end. Two streams and no
 * buffer between them: a slow reader slows its writer.
 */
import type { Address, Connection, ConnectionInfo } from '../../core/runtime.ts';
import { HIGH_WATER } from '../../core/runtime.ts';
import type { ResponseFlag } from '../../http/flags.ts';
import type { Admission } from '../../http/filter.ts';
import type { Head } from '../../http/head.ts';
import { type MessageReceiver, RESET, type ResetReason, type Stream } from '../../http/message.ts';
import { pickCluster } from '../../snapshot/balance/pick-cluster.ts';
import type { SubsetMatch } from '../../snapshot/subset-match.ts';
import type { Facts, FactsOwner } from '../../snapshot/format/facts.ts';
import type { TcpProxy } from '../../snapshot/snapshot.ts';
import { OUTCOME, type UpstreamHost } from '../cluster/attempt.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { ConnectionStream, type StreamOwner } from '../cluster/connection-stream.ts';
import type { EndedRecord } from '../telemetry/access-log.ts';
import type { Edge } from '../telemetry/edge.ts';
import type { Place } from './downstream.ts';
import { DEMAND, type DemandWaiter } from './on-demand.ts';
import { RelayFacts, type RelayRecord } from './relay-facts.ts';
import type { RouterWorld } from './router-world.ts';
import { NO_HASH, sourceHash } from './request-place.ts';
import { SilenceTimer } from './silence.ts';
import { Try, type TryOwner } from './try.ts';

/** Nothing was sent yet when a connect fails, so another endpoint may be tried, this often in all. */
const MAX_CONNECTS = 3;
/** How long a connection may take to close after both of its directions have ended. */
const LINGER_MS = 5_000;
/** How often a relay with one closed direction is looked at. */
const HALF_LOOK_MS = 30_000;

export interface TcpRelayOptions {
  readonly proxy: TcpProxy;
  /** From the listener: the edge of an inbound connection, or of an outbound one that found no cluster. */
  readonly edge: Edge;
  /** Mesh TLS of ours ended here. */
  readonly secure: boolean;
  /** What the filters of the connection say. */
  readonly admission: Admission;
  readonly place: Place;
  /** Told once, when the downstream connection is gone. */
  closed(): void;
  /** Told once, by which side spoke first. */
  spokeFirst(side: 'client' | 'server'): void;
}

export class TcpRelay
  extends SilenceTimer
  implements MessageReceiver, TryOwner, StreamOwner, EndedRecord, DemandWaiter, RelayRecord, FactsOwner
{
  readonly pastDeadline = false;
  readonly request = null;
  readonly status = 0;
  readonly grpcStatus = -1;
  readonly routeName: string;
  flag: ResponseFlag = '';
  detail = '';
  durationMs = 0;
  bytesIn = 0;
  bytesOut = 0;
  retries = 0;
  readonly #world: RouterWorld;
  readonly #options: TcpRelayOptions;
  readonly #down: ConnectionStream;
  readonly connectionId: number;
  readonly startedAt: number;
  /** null: none so far, or the other end is inside this process. */
  upstreamConnection: ConnectionInfo | null = null;
  #cluster: Cluster | null = null;
  #subset: SubsetMatch | null = null;
  /** The cluster that was asked for; empty: none was. */
  #awaited = '';
  #edge: Edge;
  #try: Try | null = null;
  #tried: readonly UpstreamHost[] = [];
  #host: UpstreamHost | null = null;
  /** The upstream of a relay that has ended in order, until it is certain that it closes. */
  #lingering: Stream | null = null;
  #lingeringBytes = -1;
  #halfSilentMs = 0;
  #downOwed = 0;
  #upOwed = 0;
  #downEnded = false;
  #upEnded = false;
  #ended = false;

  /** Becomes the handler of an open connection and begins. */
  constructor(world: RouterWorld, connection: Connection, options: TcpRelayOptions) {
    super(world.timers, options.proxy.idleTimeoutMs);
    this.#world = world;
    this.#options = options;
    this.#edge = options.edge;
    this.startedAt = world.runtime.clock.now();
    this.routeName = options.proxy.statPrefix;
    this.connectionId = world.logFiles.nextConnection();
    // Until there is an upstream the kernel keeps what the client says.
    connection.pause();
    this.#down = new ConnectionStream(connection, this, this);
  }

  get connection(): ConnectionInfo {
    return this.#down.connection.info;
  }

  get cluster(): Cluster | null {
    return this.#cluster;
  }

  get host(): UpstreamHost | null {
    return this.#host;
  }

  facts(): Facts {
    return new RelayFacts(this.#world, this, this.connectionId, this.#options.place);
  }

  get upstream(): string {
    return this.#host === null ? '' : this.#host.key;
  }

  /** Separate from construction, so that the caller holds the relay before anything can end it. */
  start(): void {
    const { identity, runtime } = this.#world;
    const { allowed, detail } = this.#options.admission;
    if (!allowed) return this.#fail('UAEX', detail);
    this.detail = detail;
    if (this.#options.secure && !identity.valid) return this.#fail('SE', identity.fault);
    const { clusters, demandMs } = this.#options.proxy;
    const { name, subset } = pickCluster(clusters, runtime.random.next());
    this.#subset = subset;
    if (this.#lookFor(name)) return;
    const { demand } = this.#world;
    if (demandMs > 0 && demand.ask('cluster', name, demandMs, this) === DEMAND.waits) this.#awaited = name;
    else this.#failUnknown(name);
  }

  demandSettled(): void {
    if (!this.#ended && !this.#lookFor(this.#awaited)) this.#failUnknown(this.#awaited);
  }

  #lookFor(name: string): boolean {
    this.#cluster = this.#world.binding().cluster(name);
    if (this.#cluster === null) return false;
    this.#cluster.isUsed = true;
    this.#connect(this.#cluster);
    return true;
  }

  #failUnknown(name: string): void {
    const why = this.#world.demand.why('cluster', name);
    this.#fail('NC', `unknown cluster ${name}${why === null ? '' : `: ${why}`}`);
  }

  /** A relay ends when its ends do. */
  announceEnd(): void {}
  drain(): void {}

  /** Both sides at once. */
  cut(why: string): void {
    this.#fail('', `cut: ${why}`);
  }

  /** Both sides at once: rules that came later do not allow it. */
  deny(detail: string): void {
    this.#fail('UAEX', detail);
  }

  get info(): ConnectionInfo {
    return this.#down.connection.info;
  }

  get backlog(): number {
    return this.#down.unsent;
  }

  authority(): string {
    return '';
  }

  destination(): Address {
    return this.#world.destination.of(this.#down.connection.info);
  }

  source(): Address {
    return this.#down.connection.info.remote;
  }

  // The downstream's half.

  onHead(): void {}

  onData(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    const stream = this.#try === null ? null : this.#try.stream;
    if (stream === null || this.#ended) return;
    this.moved = true;
    if (end > start) {
      if (this.bytesIn === 0 && this.bytesOut === 0) this.#options.spokeFirst('client');
      this.bytesIn += end - start;
      this.#edge.countBytes(end - start, 0);
    }
    this.#downOwed += end - start;
    if (last) this.#downEnded = true;
    stream.sendData(bytes, start, end, last);
    this.tryWritable();
    if (last) this.#halfEnded();
    this.#endWhenBoth();
  }

  onTrailers(fields: Head): void {
    fields.free();
  }

  onWritable(): void {
    const stream = this.#try === null ? null : this.#try.stream;
    if (stream === null || this.#upOwed === 0 || this.#down.unsent > HIGH_WATER) return;
    const owed = this.#upOwed;
    this.#upOwed = 0;
    stream.release(owed);
  }

  onReset(_reason: ResetReason): void {
    this.#fail('DC', 'the client reset the connection');
  }

  closed(): void {
    this.#options.closed();
  }

  // The upstream's half.

  tryOpened(current: Try, stream: Stream): void {
    this.upstreamConnection = stream.info ?? null;
    this.#host = current.endpoint;
    if (this.#cluster !== null && this.#options.edge.direction === 'outbound') {
      this.#edge = this.#cluster.edge(current.endpoint?.secure ?? false, this);
    }
    this.#edge.countConnection();
    this.#down.connection.resume();
  }

  tryHead(_current: Try, head: Head): void {
    head.free();
  }

  tryData(_current: Try, bytes: Uint8Array, start: number, end: number, last: boolean): void {
    this.moved = true;
    if (end > start) {
      if (this.bytesIn === 0 && this.bytesOut === 0) this.#options.spokeFirst('server');
      this.bytesOut += end - start;
      this.#edge.countBytes(0, end - start);
    }
    this.#upOwed += end - start;
    if (last) this.#upEnded = true;
    this.#down.sendData(bytes, start, end, last);
    this.onWritable();
    if (last) this.#halfEnded();
    this.#endWhenBoth();
  }

  tryTrailers(_current: Try, fields: Head): void {
    fields.free();
  }

  tryWritable(): void {
    const stream: Stream | null = this.#try === null ? null : this.#try.stream;
    if (stream === null || this.#downOwed === 0 || stream.unsent > HIGH_WATER) return;
    const owed = this.#downOwed;
    this.#downOwed = 0;
    this.#down.release(owed);
  }

  /** No try of a relay has a timeout. */
  tryIsLate(): boolean {
    return false;
  }

  tryFailed(current: Try, _reset: ResetReason, flag: ResponseFlag, detail: string): void {
    if (this.#ended) return;
    this.#host = current.endpoint ?? this.#host;
    const again = flag === 'UF' && this.retries + 1 < MAX_CONNECTS && this.#cluster !== null;
    if (!again || this.#cluster === null)
      return this.#fail(flag || 'UC', detail || 'the upstream reset the connection');
    this.retries++;
    if (current.endpoint !== null) this.#tried = [...this.#tried, current.endpoint];
    this.#connect(this.#cluster);
  }

  override fire(): void {
    if (this.#ended) this.#closeWhatLingers();
    else if (this.#downEnded || this.#upEnded) this.#lookAtHalf();
    else super.fire();
  }

  /**
   * One side has sent its FIN. If it was the last that it will ever do, a reset that TLS shows as an end, what waits for
   * it never leaves: the relay ends when that has not moved from one look to the next.
   */
  #lookAtHalf(): void {
    const waiting = this.#downEnded ? this.#down.unsent : (this.#try?.stream?.unsent ?? 0);
    const stuck = waiting > 0 && waiting === this.#lingeringBytes && !this.moved;
    this.#halfSilentMs = this.moved ? 0 : this.#halfSilentMs + HALF_LOOK_MS;
    this.#lingeringBytes = waiting;
    this.moved = false;
    if (stuck) return this.#fail('DC', 'half closed, and nothing leaves to the side that closed');
    const { idleTimeoutMs } = this.#options.proxy;
    if (idleTimeoutMs > 0 && this.#halfSilentMs >= idleTimeoutMs) return this.onSilence();
    this.#world.timers.arm(this, HALF_LOOK_MS);
  }

  #halfEnded(): void {
    if (this.#ended || (this.#downEnded && this.#upEnded)) return;
    this.#world.timers.arm(this, HALF_LOOK_MS);
  }

  protected override onSilence(): void {
    this.#fail('SI', `idle for ${this.#options.proxy.idleTimeoutMs / 1000} s`);
  }

  #connect(cluster: Cluster): void {
    const hash = this.#options.proxy.hashesSource ? sourceHash(this.#down.connection.info) : NO_HASH;
    this.#try = new Try(this, cluster, this.#world.timers, true, false, this.#tried, hash, this.#subset);
    this.#try.start();
  }

  #endWhenBoth(): void {
    if (!this.#downEnded || !this.#upEnded || this.#ended) return;
    const upstream = this.#try?.stream ?? null;
    this.#try?.finish(OUTCOME.ok);
    this.#end();
    this.#lingering = upstream;
    this.#world.timers.arm(this, LINGER_MS);
  }

  /** Both directions ended in order, and a connection that does not close by itself would hold its place for ever. */
  #closeWhatLingers(): void {
    const unsent = this.#down.unsent + (this.#lingering?.unsent ?? 0);
    const moves = unsent > 0 && unsent !== this.#lingeringBytes;
    this.#lingeringBytes = unsent;
    if (moves) return this.#world.timers.arm(this, LINGER_MS);
    // Without a reason: the kernel still delivers what it has.
    this.#down.connection.destroy('');
    if (this.#lingering instanceof ConnectionStream) this.#lingering.connection.destroy('');
    this.#lingering = null;
  }

  #fail(flag: ResponseFlag, detail: string): void {
    if (this.#ended) return;
    this.flag = flag;
    this.detail = detail;
    if (flag === 'SE' && this.#world.throttle.allows('relay SE'))
      this.#world.log.warn('connection refused', { detail });
    this.#try?.abandon(RESET.cancelled);
    this.#end();
    this.#down.reset(RESET.cancelled);
  }

  #end(): void {
    this.#ended = true;
    this.stopListening();
    this.#try = null;
    this.durationMs = this.#world.runtime.clock.now() - this.startedAt;
    this.#world.accessLog?.write(this, this.#edge);
    const { accessLogs } = this.#options.proxy;
    if (accessLogs !== null) this.#world.logFiles.write(accessLogs, this);
  }
}
