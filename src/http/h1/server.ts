/**
 * The server end of HTTP/1.1 on one connection: heads in, exchanges one at a time, responses in order. Whatever is
 * ambiguous is answered with an error and the end of the connection before anybody behind it hears of the request.
 */
import { EMPTY_BYTES } from '../../core/bytes.ts';
import { type Connection, type ConnectionHandler, HIGH_WATER } from '../../core/runtime.ts';
import type { Timers } from '../../core/timer-wheel.ts';
import { FRAMING } from '../framing.ts';
import type { Head } from '../head.ts';
import { type MessageReceiver, RESET } from '../message.ts';
import { acceptRequest } from './accept-head.ts';
import { BODY_EVENT, BodyReader } from './body-reader.ts';
import { BodyWriter } from './body-writer.ts';
import { HeadReader } from './head-reader.ts';
import type { Http1Limits } from './limits.ts';
import { LIMIT, Progress } from './progress.ts';
import { CONTENT_TIMEOUT, HEAD_TIMEOUT, refusalOf, TRUNCATED_HEAD } from './refusal.ts';
import { scanRequest } from './scan-request.ts';
import { type ServerLink, ServerStream } from './server-stream.ts';
import { ServerTimer } from './server-timer.ts';
import { writeRefusal } from './write-refusal.ts';

export interface Http1ServerCallbacks {
  /** A request that passed every rule. The receiver's `onHead` follows at once; the head is the receiver's. */
  open(stream: ServerStream, head: Head): MessageReceiver;
  /** A request was refused by the codec; no receiver heard of it, or its receiver was reset. For counting. */
  onRefused(status: number, detail: string): void;
  /** A named bound fired (`LIMIT` in `progress.ts`). */
  onLimit(name: string): void;
  /** The connection is gone. Not called after a takeover. */
  onClosed(): void;
}

export interface Http1ServerOptions {
  readonly limits: Http1Limits;
  readonly timers: Timers;
  readonly callbacks: Http1ServerCallbacks;
}

/** Between requests, or within a head. */
const HEAD = 0;
const BODY = 1;
/** The request is complete, its response is not: the bytes of the next request stay unread. */
const RESPONSE = 2;
const TUNNEL = 3;
/** Our FIN is sent: what still comes is dropped, so that the peer reads the response before a RST. */
const CLOSING = 4;
const OVER = 5;

export class Http1Server implements ConnectionHandler, ServerLink {
  readonly #connection: Connection;
  readonly #options: Http1ServerOptions;
  readonly #timer: ServerTimer;
  readonly #heads: HeadReader;
  readonly #body: BodyReader;
  readonly #writer = new BodyWriter();
  #phase = HEAD;
  #stream: ServerStream | null = null;
  /** Bytes were given back to the connection and it is paused. */
  #holds = false;
  #isDraining = false;
  #dropped = 0;
  #lastBacklog = 0;
  #lastWritten = 0;
  #progress: Progress | null = null;

  /** Takes the connection over; the first head must begin within `headTimeoutMs`. */
  constructor(connection: Connection, options: Http1ServerOptions) {
    const { limits } = options;
    this.#connection = connection;
    this.#options = options;
    this.#heads = new HeadReader(scanRequest, limits.maxHeadBytes, limits.maxFields);
    this.#body = new BodyReader(limits.maxTrailerBytes, limits.maxFields);
    this.#timer = new ServerTimer(this);
    connection.handler = this;
    this.#arm(limits.headTimeoutMs);
  }

  get draining(): boolean {
    return this.#isDraining;
  }

  /** Whether no exchange is in flight. */
  get idle(): boolean {
    return this.#stream === null;
  }

  /** Finishes the exchange in flight, announces `Connection: close` if its head is still to come, and closes. Idle: closes at once. */
  drain(): void {
    this.#isDraining = true;
    if (this.#phase === HEAD && !this.#heads.started && !this.#holds) this.#close();
  }

  /** Called every `stallTimeoutMs` by the owner: ends an exchange whose client has not moved since. */
  look(): void {
    if (this.#phase === TUNNEL) return;
    if (this.#stream === null && this.#progress === null && this.#connection.backlog === 0) return;
    const { limits, callbacks } = this.#options;
    const limit = (this.#progress ??= new Progress()).look(this.#stream, this.#connection, limits.minProgressBytes);
    if (limit === null) return;
    callbacks.onLimit(limit);
    if (limit === LIMIT.trickle) this.#refuse(CONTENT_TIMEOUT);
    else this.#connection.destroy(limit);
  }

  onOpen(): void {}

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end) {
      switch (this.#phase) {
        case HEAD:
          // Many small requests in one read must not pile up responses that nobody takes.
          if (this.#connection.backlog > HIGH_WATER) return this.#hold(bytes, at, end);
          at = this.#readHead(bytes, at, end);
          break;
        case BODY:
          at = this.#readBody(bytes, at, end);
          break;
        case TUNNEL:
          this.#stream?.deliver(bytes, at, end, false);
          return;
        case CLOSING:
          this.#dropped += end - at;
          if (this.#dropped > this.#options.limits.maxDiscardBytes) this.#connection.destroy('too much after the end');
          return;
        case RESPONSE:
          return this.#hold(bytes, at, end);
        default:
          // Handed over within this read: the rest belongs to the new handler.
          if (!this.#connection.closed) this.#connection.unread(bytes, at, end);
          return;
      }
    }
  }

  onDrained(): void {
    if (this.#phase === HEAD) this.#unhold();
    else this.#stream?.receiver?.onWritable();
  }

  onEnd(): void {
    switch (this.#phase) {
      case HEAD:
        if (this.#heads.started && !this.#heads.blank) this.#refuse(TRUNCATED_HEAD);
        else this.#close();
        return;
      case TUNNEL: {
        const stream = this.#stream;
        stream?.deliver(EMPTY_BYTES, 0, 0, true);
        if (stream?.sent) this.#exchangeOver(stream);
        return;
      }
      case BODY:
        if (this.#stream?.sent) return this.#exchangeOver(this.#stream);
        // A request cut short is never whole.
        this.#connection.destroy('the client went away');
        return;
      case RESPONSE:
        if (this.#stream !== null) this.#halfClosed(this.#stream);
    }
  }

  onClose(_reason: string): void {
    if (this.#phase === OVER) return;
    this.#phase = OVER;
    this.#forget();
    const stream = this.#stream;
    this.#stream = null;
    const receiver = stream === null || (stream.received && stream.sent) ? null : stream.receiver;
    stream?.detach();
    receiver?.onReset(RESET.connection);
    this.#options.callbacks.onClosed();
  }

  /** For the timer: the meaning is the phase's. */
  onTimeout(): void {
    if (this.#phase === HEAD) {
      if (this.#heads.started && !this.#heads.blank) this.#refuse(HEAD_TIMEOUT);
      else this.#close();
    } else if (this.#phase === CLOSING) {
      const { backlog } = this.#connection;
      // A slow reader may take as long as it takes something.
      if (backlog > 0 && backlog < this.#lastBacklog) this.#linger();
      else this.#connection.destroy('');
    } else if (this.#phase === TUNNEL) this.#unhold();
    else if (this.#phase === RESPONSE && this.#stream !== null) this.#lookForClient(this.#stream);
    else if (this.#phase === BODY && this.#stream !== null) this.#exchangeOver(this.#stream);
  }

  responseSent(stream: ServerStream): void {
    if (stream !== this.#stream) return;
    if (stream.received || (!stream.persists && this.#phase !== TUNNEL)) this.#exchangeOver(stream);
    // The rest of the request is still to come, and nobody else watches it now.
    else if (this.#phase === BODY) this.#arm(this.#options.limits.headTimeoutMs);
  }

  tunnelOpened(stream: ServerStream): void {
    if (stream !== this.#stream) return;
    this.#phase = TUNNEL;
    // Not at once: bytes that came too early belong to the handler that a takeover may name in this turn.
    if (this.#holds) this.#arm(1);
  }

  discarding(stream: ServerStream): void {
    if (stream === this.#stream && this.#phase === TUNNEL) this.abort(stream, 'tunnel abandoned');
  }

  abort(stream: ServerStream, reason: string): void {
    if (stream !== this.#stream) return;
    this.#stream = null;
    stream.detach();
    this.#connection.destroy(reason);
  }

  takeOver(stream: ServerStream, handler: ConnectionHandler): Connection {
    this.#phase = OVER;
    this.#stream = null;
    stream.detach();
    this.#forget();
    this.#connection.handler = handler;
    this.#unhold();
    return this.#connection;
  }

  /**
   * FIN after a whole request means "no more requests" (`nc -N`, HTTP/1.0) or "I am gone". The exchange goes on while its
   * response moves; one that stands still for `halfClosedMs` is cancelled, unless the client said that it was the last.
   */
  #halfClosed(stream: ServerStream): void {
    const isAnnounced = !stream.persists;
    stream.persists = false;
    if (isAnnounced) return;
    if (this.#options.limits.halfClosedMs === 0) return this.#connection.destroy('the client went away');
    this.#waitForClient(stream);
  }

  #lookForClient(stream: ServerStream): void {
    const isStill = stream.written === this.#lastWritten && this.#connection.backlog >= this.#lastBacklog;
    if (isStill) this.#connection.destroy('the client went away');
    else this.#waitForClient(stream);
  }

  #waitForClient(stream: ServerStream): void {
    this.#lastWritten = stream.written;
    this.#lastBacklog = this.#connection.backlog;
    this.#arm(this.#options.limits.halfClosedMs);
  }

  #readHead(bytes: Uint8Array, at: number, end: number): number {
    const wasStarted = this.#heads.started;
    const next = this.#heads.read(bytes, at, end);
    if (this.#heads.refusal !== 0) {
      this.#refuse(this.#heads.refusal);
      return end;
    }
    const head = this.#heads.head;
    if (head === null) {
      // From its first byte the head has this long, however it trickles.
      if (!wasStarted) this.#arm(this.#options.limits.headTimeoutMs);
      return next;
    }
    this.#heads.head = null;
    this.#options.timers.disarm(this.#timer);
    const refusal = acceptRequest(head);
    if (refusal !== 0) {
      head.free();
      this.#refuse(refusal);
      return end;
    }
    this.#begin(head);
    return next;
  }

  #begin(head: Head): void {
    const stream = new ServerStream(this, this.#connection, this.#writer, head);
    const last = head.framing === FRAMING.none;
    this.#stream = stream;
    this.#phase = last ? RESPONSE : BODY;
    if (!last) this.#body.begin(head.framing, head.contentLength);
    const receiver = this.#options.callbacks.open(stream, head);
    stream.receiver = receiver;
    receiver.onHead(head, last);
  }

  #readBody(bytes: Uint8Array, at: number, end: number): number {
    const stream = this.#stream;
    if (stream === null) return end;
    const body = this.#body;
    const event = body.read(bytes, at, end);
    const next = body.at;
    switch (event) {
      case BODY_EVENT.data: {
        if (body.last) this.#phase = RESPONSE;
        const dropped = stream.deliver(bytes, body.dataStart, body.dataEnd, body.last);
        if (body.last) this.#requestDone(stream);
        else if (dropped > this.#options.limits.maxDiscardBytes) this.#giveUp(stream);
        return next;
      }
      case BODY_EVENT.end:
        this.#phase = RESPONSE;
        stream.deliver(EMPTY_BYTES, 0, 0, true);
        this.#requestDone(stream);
        return next;
      case BODY_EVENT.trailers:
        this.#phase = RESPONSE;
        this.#deliverTrailers(stream);
        this.#requestDone(stream);
        return next;
      case BODY_EVENT.refused:
        this.#refuse(body.refusal);
        return end;
      default:
        return next;
    }
  }

  #deliverTrailers(stream: ServerStream): void {
    const { trailers } = this.#body;
    this.#body.trailers = null;
    stream.endReceiving();
    if (trailers === null) return;
    if (stream.receiver === null) trailers.free();
    else stream.receiver.onTrailers(trailers);
  }

  /** Unless the exchange ended in a callback already. */
  #requestDone(stream: ServerStream): void {
    if (stream === this.#stream && stream.sent) this.#exchangeOver(stream);
  }

  /** Nobody wants the rest of this request and there is too much of it. */
  #giveUp(stream: ServerStream): void {
    if (stream.sent) this.#exchangeOver(stream);
    else this.abort(stream, 'too much to discard');
  }

  #exchangeOver(stream: ServerStream): void {
    const persists = stream.persists && stream.received && this.#phase !== TUNNEL;
    this.#stream = null;
    stream.detach();
    if (!persists || this.#isDraining) return this.#close();
    this.#phase = HEAD;
    this.#arm(this.#options.limits.idleTimeoutMs);
    this.#unhold();
  }

  #refuse(code: number): void {
    const { status, detail } = refusalOf(code);
    const stream = this.#stream;
    const receiver = stream?.receiver ?? null;
    this.#stream = null;
    stream?.detach();
    receiver?.onReset(RESET.protocol);
    this.#options.callbacks.onRefused(status, detail);
    // A response that has begun cannot be taken back: it ends without its end.
    if (stream?.responded) return this.#connection.destroy(detail);
    writeRefusal(this.#connection, status, detail);
    this.#close();
  }

  /** Sends FIN after what is written, and reads on for a while. */
  #close(): void {
    // The sender of a tunnel has sent it already.
    if (this.#phase !== TUNNEL) this.#connection.end();
    this.#phase = CLOSING;
    this.#forget();
    this.#unhold();
    if (!this.#connection.closed) this.#linger();
  }

  #linger(): void {
    this.#lastBacklog = this.#connection.backlog;
    this.#options.timers.arm(this.#timer, this.#options.limits.lingerMs);
  }

  #forget(): void {
    this.#options.timers.disarm(this.#timer);
    this.#heads.reset();
    this.#body.reset();
  }

  #arm(delayMs: number): void {
    if (delayMs > 0) this.#options.timers.arm(this.#timer, delayMs);
    else this.#options.timers.disarm(this.#timer);
  }

  #hold(bytes: Uint8Array, at: number, end: number): void {
    this.#holds = true;
    this.#connection.pause();
    this.#connection.unread(bytes, at, end);
  }

  #unhold(): void {
    if (!this.#holds) return;
    this.#holds = false;
    this.#connection.resume();
  }
}
