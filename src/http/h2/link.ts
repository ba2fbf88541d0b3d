/**
 * The outgoing and the mortal half of an HTTP/2 connection: what its streams ask of it, and all the ways in which
 * streams and the connection end. `frames.ts` adds what comes in.
 */
import type { Clock, Connection } from '../../core/runtime.ts';
import type { Timers } from '../../core/timer-wheel.ts';
import type { Head } from '../head.ts';
import { RESET, type ResetReason } from '../message.ts';
import { ALARM, type AlarmKind, type AlarmOwner } from './alarm.ts';
import { Budget } from './budget.ts';
import { codeOf, ERROR } from './error-code.ts';
import { HpackEncoder } from './hpack/encoder.ts';
import type { Http2Stream, StreamLink } from './http2-stream.ts';
import { type Http2Limits, LIMIT, type LimitName } from './limits.ts';
import { ReceiveWindows } from './receive-windows.ts';
import { RecentIds } from './recent-ids.ts';
import { SendScheduler } from './send-scheduler.ts';
import { StreamTable } from './stream-table.ts';
import { Watch } from './watch.ts';
import { writeHead } from './write-head.ts';
import { writeGoaway, writeReset, writeWindowUpdate } from './write-frame.ts';

export interface LinkOptions {
  readonly limits: Http2Limits;
  readonly timers: Timers;
  readonly clock: Clock;
}

export abstract class Http2Link<S extends Http2Stream> implements StreamLink, AlarmOwner {
  readonly connection: Connection;
  readonly limits: Http2Limits;
  readonly scheduler: SendScheduler;
  readonly windows: ReceiveWindows;
  /** Nothing more is read: the connection has failed, is finished, or is gone. */
  over = false;
  protected readonly encoder: HpackEncoder;
  protected readonly streams = new StreamTable<S>();
  /** Streams that we reset: what is still under way for them is no error. */
  protected readonly recent = new RecentIds();
  /** Of streams that the peer makes us reset. */
  protected readonly provoked: Budget;
  protected readonly alarms: Watch;
  /** The last stream of the peer's that was looked at. */
  protected lastPeerId = 0;
  #isGone = false;
  #stalledWindowBytes = -1;

  constructor(connection: Connection, options: LinkOptions) {
    const { limits, clock } = options;
    this.connection = connection;
    this.limits = limits;
    this.scheduler = new SendScheduler(connection);
    this.windows = new ReceiveWindows(connection, clock, limits);
    this.encoder = new HpackEncoder(limits.maxTableBytes);
    this.provoked = new Budget(clock, limits.provokedResetBurst, limits.provokedResetsPerSecond);
    this.alarms = new Watch(this, options.timers);
  }

  get active(): number {
    return this.streams.size;
  }

  abstract onAlarm(kind: AlarmKind): void;
  /** A named bound has fired. */
  protected abstract onLimit(name: LimitName): void;
  /** No further stream: before the streams there are hear of it. */
  protected abstract onOver(reason: string): void;
  /** The connection is closed and every stream has been told. */
  protected abstract onGone(): void;
  /** A stream has ended: both messages whole, or otherwise. */
  protected abstract streamGone(isWhole: boolean): void;
  /** Why a stream ends with its connection. */
  protected abstract causeFor(stream: S, reason: ResetReason): ResetReason;

  writeHead(id: number, head: Head, contentLength: number, last: boolean): void {
    writeHead(this.connection, this.encoder, id, head, contentLength, last);
  }

  grant(id: number, increment: number): void {
    writeWindowUpdate(this.connection, id, increment);
    this.windows.probe();
  }

  messageSent(stream: Http2Stream): void {
    if (stream.finished) this.#close(stream);
    else if (stream.receiver === null) this.linger();
  }

  messageReceived(stream: Http2Stream): void {
    if (stream.finished) this.#close(stream);
  }

  resetStream(stream: Http2Stream, reason: ResetReason): void {
    if (stream.closed) return;
    this.writeReset(stream, codeOf(reason));
    this.#remove(stream);
  }

  discardedTooMuch(stream: Http2Stream): void {
    this.onLimit(LIMIT.discarded);
    this.writeReset(stream, ERROR.none);
    this.#remove(stream);
  }

  watch(): void {
    if (!this.alarms.armed(ALARM.watch)) this.alarms.arm(ALARM.watch, this.limits.stallTimeoutMs);
  }

  /** A request goes on though its response is complete. */
  linger(): void {
    if (!this.alarms.armed(ALARM.linger)) this.alarms.arm(ALARM.linger, this.limits.lingerMs);
  }

  /** The peer broke the rules of a stream, or one of its bounds. `stream` is null where there is none (any more). */
  protected streamError(id: number, stream: S | null, code: number, reason: ResetReason = RESET.protocol): void {
    if (!this.provoked.spend(1)) return this.fail(ERROR.enhanceYourCalm, LIMIT.provokedResets, LIMIT.provokedResets);
    writeReset(this.connection, id, code);
    this.recent.add(id);
    if (stream !== null) this.drop(stream, reason);
  }

  /** Ends a stream without a frame. */
  protected drop(stream: S, reason: ResetReason): void {
    const receiver = stream.sent && stream.received ? null : stream.receiver;
    this.#remove(stream);
    receiver?.onReset(reason);
  }

  /** Ends the connection with GOAWAY: the peer broke the protocol, or `limit` fired. */
  protected fail(code: number, detail: string, limit: LimitName | null = null): void {
    if (this.over) return;
    if (limit !== null) this.onLimit(limit);
    writeGoaway(this.connection, this.lastPeerId, code, detail);
    this.finish(detail, limit === null ? RESET.protocol : RESET.limit);
  }

  /** Ends the connection in order, and whatever streams are left with it. */
  protected finish(detail: string, reason: ResetReason): void {
    if (this.over) return;
    this.#end(detail, reason);
    if (this.connection.closed) return;
    this.connection.end();
    // Read on for a while: what is unread when a socket closes would cost the peer our last words.
    if (!this.connection.closed) this.alarms.arm(ALARM.linger, this.limits.lingerMs);
  }

  onClose(reason: string): void {
    if (this.#isGone) return;
    this.#isGone = true;
    if (!this.over) this.#end(reason, RESET.connection);
    this.alarms.disarmAll();
    this.onGone();
  }

  /**
   * Streams whose data the peer takes too little of since the last look are reset, and those of which it sends too
   * little; the connection, where it is the connection's fault.
   */
  protected findStalled(): void {
    let isWaiting = false;
    for (const stream of this.streams.list()) {
      const limit = this.#takesTooLittle(stream)
        ? LIMIT.stalledStream
        : this.#sendsTooLittle(stream)
          ? LIMIT.trickle
          : null;
      if (limit === null) {
        if (stream.watchedBytes >= 0 || stream.watchedMoves >= 0) isWaiting = true;
        continue;
      }
      this.onLimit(limit);
      writeReset(this.connection, stream.id, ERROR.cancel);
      this.recent.add(stream.id);
      this.drop(stream, RESET.timeout);
    }
    const { minProgressBytes } = this.limits;
    const { sentBytes, waiting } = this.scheduler;
    if (waiting && this.#stalledWindowBytes >= 0 && sentBytes - this.#stalledWindowBytes < minProgressBytes) {
      return this.fail(ERROR.enhanceYourCalm, LIMIT.stalledConnection, LIMIT.stalledConnection);
    }
    this.#stalledWindowBytes = waiting ? sentBytes : -1;
    if (isWaiting) this.watch();
  }

  #takesTooLittle(stream: S): boolean {
    const { watchedBytes, sentBytes } = stream;
    stream.watchedBytes = stream.unsent === 0 ? -1 : sentBytes;
    // With a window it is the connection that waits.
    if (watchedBytes < 0 || stream.unsent === 0 || stream.sendWindow > 0) return false;
    return sentBytes - watchedBytes < this.limits.minProgressBytes;
  }

  #sendsTooLittle(stream: S): boolean {
    const { watchedMoves, moves, awaitsContent } = stream;
    stream.watchedMoves = awaitsContent ? moves : -1;
    // Without a window it is we who are slow.
    if (!awaitsContent || watchedMoves < 0 || stream.receiveWindow <= 0) return false;
    return moves - watchedMoves < this.limits.minProgressBytes;
  }

  /** Requests that nobody reads and whose responses have gone end at the second look. */
  protected endLingering(): void {
    let isLeft = false;
    for (const stream of this.streams.list()) {
      if (!stream.ended || stream.receiver !== null) continue;
      if (stream.lingers) {
        // RFC 9113 section 8.1: the response is whole, the rest of the request is not wanted.
        this.writeReset(stream, ERROR.none);
        this.#remove(stream);
      } else {
        stream.lingers = true;
        isLeft = true;
      }
    }
    if (isLeft) this.linger();
  }

  protected writeReset(stream: Http2Stream, code: number): void {
    if (stream.id === 0) return;
    writeReset(this.connection, stream.id, code);
    this.recent.add(stream.id);
  }

  #close(stream: Http2Stream): void {
    if (!stream.closed) this.#remove(stream, true);
  }

  #remove(stream: Http2Stream, isWhole = false): void {
    this.streams.remove(stream);
    stream.detach();
    if (!this.over) this.streamGone(isWhole);
  }

  #end(detail: string, reason: ResetReason): void {
    this.over = true;
    this.windows.stop();
    this.alarms.disarmAll();
    this.onOver(detail);
    for (const stream of this.streams.list()) this.drop(stream, this.causeFor(stream, reason));
  }
}
