/**
 * The server end of HTTP/2 on one connection, by ALPN or by prior knowledge: streams in, responses out as they come.
 * What is malformed ends its stream before anybody behind it hears of the request.
 */
import type { Connection } from '../../core/runtime.ts';
import { FRAMING } from '../framing.ts';
import { acceptExpect } from '../h1/accept-head.ts';
import { HEAD_TOO_LARGE, CONTENT_NOT_ALLOWED, refusalOf, TOO_MANY_FIELDS } from '../h1/refusal.ts';
import { Head } from '../head.ts';
import { type MessageReceiver, RESET, type ResetReason } from '../message.ts';
import { ALARM } from './alarm.ts';
import { Budget } from './budget.ts';
import { ERROR, reasonOf } from './error-code.ts';
import { MAX_STREAM_ID, PREFACE } from './frame.ts';
import { Http2Frames } from './frames.ts';
import { BLOCK } from './hpack/decoder.ts';
import { LIMIT, type LimitName } from './limits.ts';
import type { LinkOptions } from './link.ts';
import { Http2ServerStream } from './server-stream.ts';
import { SETTING, writeSettings } from './settings.ts';
import { writeGoaway, writeReset } from './write-frame.ts';

export interface Http2ServerCallbacks {
  /** A request that passed every rule. The receiver's `onHead` follows at once; the head is the receiver's. */
  open(stream: Http2ServerStream, head: Head): MessageReceiver;
  /** A request was refused by the codec; no receiver heard of it. For counting. */
  onRefused(status: number, detail: string): void;
  /** A named bound fired (`LIMIT`). */
  onLimit(name: string): void;
  /** The connection is gone. */
  onClosed(): void;
}

export interface Http2ServerOptions extends LinkOptions {
  readonly callbacks: Http2ServerCallbacks;
  /** The client's 24 bytes were read by whoever detected the protocol. */
  readonly prefaceRead?: boolean;
}

/** Of a drain: nothing said; that no new stream should come; which stream was the last. */
const SERVING = 0;
const ANNOUNCED = 1;
const LAST_CALL = 2;
const LAST = 3;

export class Http2Server extends Http2Frames<Http2ServerStream> {
  readonly #callbacks: Http2ServerCallbacks;
  /** Of streams that the client resets before their end. */
  readonly #resets: Budget;
  #prefaceLeft: number;
  #drain = SERVING;
  #peerEnded = false;

  /** Takes the connection over; bytes that were read before come by `connection.unread`. */
  constructor(connection: Connection, options: Http2ServerOptions) {
    super(connection, options, true);
    const { limits } = options;
    this.#callbacks = options.callbacks;
    this.#resets = new Budget(options.clock, limits.resetBurst, limits.resetsPerSecond);
    this.#prefaceLeft = options.prefaceRead === true ? 0 : PREFACE.length;
    connection.handler = this;
    writeSettings(connection, [
      [SETTING.headerTableSize, limits.maxTableBytes],
      [SETTING.maxConcurrentStreams, limits.maxConcurrentStreams],
      [SETTING.initialWindowSize, limits.streamWindowBytes],
      [SETTING.maxHeaderListSize, limits.maxHeadBytes],
      [SETTING.enableConnectProtocol, 1],
    ]);
    this.windows.start();
  }

  /** Whether no stream is open. */
  get idle(): boolean {
    return this.streams.size === 0;
  }

  /** Content for clients that do not take it, beside the connection's own backlog. */
  get queuedBytes(): number {
    return this.scheduler.queuedBytes;
  }

  /** Resets the streams for which most waits, until so many bytes are free. */
  dropFullest(bytes: number): void {
    let left = bytes;
    for (const stream of this.streams.list().toSorted((a, b) => b.unsent - a.unsent)) {
      if (left <= 0 || stream.unsent === 0) return;
      left -= stream.unsent;
      this.writeReset(stream, ERROR.enhanceYourCalm);
      this.drop(stream, RESET.limit);
    }
  }

  /** No new streams are wanted, and the client is told; whatever it opens all the same is served. */
  announceEnd(): void {
    if (this.over || this.#drain !== SERVING) return;
    this.#drain = ANNOUNCED;
    writeGoaway(this.connection, MAX_STREAM_ID, ERROR.none, '');
  }

  /** Ends in two steps (RFC 9113 section 6.8): announces it, and names the last stream when the client has heard of it. */
  drain(): void {
    this.announceEnd();
    if (this.over || this.#drain !== ANNOUNCED) return;
    this.#drain = LAST_CALL;
    this.askBeforeDrain();
  }

  override onBytes(bytes: Uint8Array, start: number, end: number): void {
    if (this.#prefaceLeft > 0 && !this.over) {
      const at = this.#readPreface(bytes, start, end);
      if (at < end) super.onBytes(bytes, at, end);
    } else super.onBytes(bytes, start, end);
  }

  /** Half-closed: what was asked is answered, as in HTTP/1.1. */
  onEnd(): void {
    this.#peerEnded = true;
    if (this.streams.size === 0) this.finish('the client closed the connection', RESET.connection);
    else this.#dropHopeless();
  }

  override watch(): void {
    super.watch();
    if (this.#peerEnded) this.#dropHopeless();
  }

  protected override onBlock(id: number, endStream: boolean, bytes: Uint8Array, start: number, end: number): void {
    const stream = this.streams.get(id);
    if (stream !== null) return this.onTrailers(stream, endStream, bytes, start, end);
    if ((id & 1) === 0) return this.fail(ERROR.protocol, 'a client opened an even stream');
    if (id <= this.lastPeerId) return this.onLateBlock(id, bytes, start, end);
    const head = new Head();
    const code = this.decode(bytes, start, end, head, BLOCK.request);
    if (this.over) return;
    if (this.#drain === LAST) {
      // Above the last stream of our GOAWAY: the client knows that nothing was done.
      if (code === 0) head.free();
      this.recent.add(id);
      return;
    }
    this.lastPeerId = id;
    if (code !== 0) return this.#refuse(id, code, endStream);
    if (this.dependsOnItself) {
      head.free();
      return this.streamError(id, null, ERROR.protocol);
    }
    if (endStream && head.contentLength > 0) {
      head.free();
      return this.#refuse(id, CONTENT_NOT_ALLOWED, endStream);
    }
    if (this.streams.size >= this.limits.maxConcurrentStreams) {
      head.free();
      this.onLimit(LIMIT.streams);
      return this.streamError(id, null, ERROR.refusedStream);
    }
    this.#open(id, endStream, head);
  }

  protected override isIdle(id: number): boolean {
    return (id & 1) === 0 || id > this.lastPeerId;
  }

  protected override mayReset(): boolean {
    if (this.#resets.spend(1)) return true;
    this.fail(ERROR.enhanceYourCalm, LIMIT.resets, LIMIT.resets);
    return false;
  }

  protected override reasonForReset(code: number): ResetReason {
    return reasonOf(code, true);
  }

  /** A client that goes away opens no more streams and closes when it is done. */
  protected override onGoaway(): void {}

  protected override settingsChanged(): void {}

  protected override drainAnswered(): void {
    if (this.over || this.#drain !== LAST_CALL) return;
    this.alarms.disarm(ALARM.drain);
    this.#drain = LAST;
    writeGoaway(this.connection, this.lastPeerId, ERROR.none, '');
    this.#endWhenIdle();
  }

  protected override onLimit(name: LimitName): void {
    this.#callbacks.onLimit(name);
  }

  protected override onOver(): void {}

  protected override onGone(): void {
    this.#callbacks.onClosed();
  }

  protected override causeFor(_stream: Http2ServerStream, reason: ResetReason): ResetReason {
    return reason;
  }

  protected override streamGone(isWhole: boolean): void {
    if (isWhole) this.#resets.earn(1);
    if (this.streams.size === 0) {
      this.alarms.arm(ALARM.idle, this.limits.idleTimeoutMs);
      this.#endWhenIdle();
    }
  }

  #open(id: number, endStream: boolean, head: Head): void {
    head.framing = endStream ? FRAMING.none : head.contentLength >= 0 ? FRAMING.length : FRAMING.chunked;
    const expectation = acceptExpect(head);
    if (expectation !== 0) {
      head.free();
      return this.#refuse(id, expectation, endStream);
    }
    const stream = new Http2ServerStream(this, id, head, endStream);
    stream.sendWindow = this.peer.initialWindow;
    stream.receiveWindow = this.windows.openBytes;
    this.streams.add(stream);
    if (!endStream) this.watch();
    const isWhole = endStream || stream.asksTunnel;
    if (stream.asksTunnel) head.framing = FRAMING.none;
    const receiver = this.#callbacks.open(stream, head);
    stream.listen(receiver);
    receiver.onHead(head, isWhole);
  }

  #refuse(id: number, code: number, endStream: boolean): void {
    const { status, detail } = refusalOf(code);
    this.#callbacks.onRefused(status, detail);
    if (code !== HEAD_TOO_LARGE && code !== TOO_MANY_FIELDS) return this.streamError(id, null, ERROR.protocol);
    this.onLimit(LIMIT.headBytes);
    const head = Head.response(status);
    this.writeHead(id, head, -1, true);
    head.free();
    // What is left of the request is not wanted (RFC 9113 section 8.1).
    if (!endStream) writeReset(this.connection, id, ERROR.none);
    this.recent.add(id);
    if (!this.provoked.spend(1)) this.fail(ERROR.enhanceYourCalm, LIMIT.provokedResets, LIMIT.provokedResets);
  }

  /** After its FIN a client can complete no request and grant no credit. */
  #dropHopeless(): void {
    for (const stream of this.streams.list()) {
      const credit = Math.min(stream.sendWindow, this.scheduler.window);
      if (!stream.received || stream.unsent > Math.max(0, credit)) this.drop(stream, RESET.connection);
    }
  }

  #readPreface(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end && this.#prefaceLeft > 0) {
      if (bytes[at] !== PREFACE[PREFACE.length - this.#prefaceLeft]) {
        this.fail(ERROR.protocol, 'not the preface of HTTP/2');
        return end;
      }
      this.#prefaceLeft--;
      at++;
    }
    return at;
  }

  #endWhenIdle(): void {
    if (this.over || this.streams.size > 0) return;
    if (this.#drain === LAST || this.#peerEnded) this.finish('drained', RESET.connection);
  }
}
