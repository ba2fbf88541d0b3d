/**
 * The client end of HTTP/1.1 on one connection: one exchange at a time, kept alive between them as long as nothing
 * about the last one is in doubt. Responses are judged as strictly as requests, since whoever believes a response's
 * wrong end hands the next caller somebody else's answer.
 */
import { EMPTY_BYTES } from '../../core/bytes.ts';
import { WeftError } from '../../core/errors.ts';
import type { Connection, ConnectionHandler } from '../../core/runtime.ts';
import { UPGRADE } from '../field-name.ts';
import { FRAMING } from '../framing.ts';
import { type Head, UPGRADE_STATE } from '../head.ts';
import { type MessageReceiver, RESET, type ResetReason, type Stream } from '../message.ts';
import { acceptResponse } from './accept-head.ts';
import { BODY_EVENT, BodyReader } from './body-reader.ts';
import { BodyWriter } from './body-writer.ts';
import { type ClientLink, ClientStream } from './client-stream.ts';
import { HeadReader } from './head-reader.ts';
import type { Http1Limits } from './limits.ts';
import {
  EARLY_RESPONSE,
  HEAD_TOO_LARGE,
  refusalOf,
  TARGET_TOO_LONG,
  TOO_MANY_FIELDS,
  TOO_MANY_INTERIM,
  TRAILERS_TOO_LARGE,
  UNEXPECTED_UPGRADE,
} from './refusal.ts';
import { scanResponse } from './scan-response.ts';

export interface Http1ClientCallbacks {
  /** The connection can carry bytes. */
  onConnected(client: Http1Client): void;
  /** The exchange is over and the connection may carry the next one. */
  onIdle(client: Http1Client): void;
  /** The connection is of no more use; exactly once, before the receiver of an exchange in flight is reset. */
  onGone(client: Http1Client, reason: string): void;
}

export interface Http1ClientOptions {
  readonly limits: Http1Limits;
  readonly callbacks: Http1ClientCallbacks;
}

/** No exchange. */
const IDLE = 0;
/** `open` was called; the request has not begun. */
const OPENED = 1;
const HEAD = 2;
const BODY = 3;
const TUNNEL = 4;
const OVER = 5;

/** 100, 102, 103…: more of them for one request are an attack. */
const MAX_INTERIM = 32;

export class Http1Client implements ConnectionHandler, ClientLink {
  readonly #options: Http1ClientOptions;
  readonly #heads: HeadReader;
  readonly #body: BodyReader;
  readonly #writer = new BodyWriter();
  #connection: Connection | null = null;
  #phase = IDLE;
  #stream: ClientStream | null = null;
  #isConnected = false;
  /** Exchanges that were begun. */
  #opened = 0;
  #interim = 0;
  /** Whether a byte of this exchange's response has come. */
  #answered = false;
  #keepAlive = true;
  #isClosing = false;

  /** Attach a connection before the first `open`: `client.attach(net.connect(address, client))`. */
  constructor(options: Http1ClientOptions) {
    const { limits } = options;
    this.#options = options;
    this.#heads = new HeadReader(scanResponse, limits.maxHeadBytes, limits.maxFields);
    this.#body = new BodyReader(limits.maxTrailerBytes, limits.maxFields);
  }

  /** The connection, or its secured side, whose handler this client is. An open one: also call `onOpen`. */
  attach(connection: Connection): void {
    this.#connection = connection;
    connection.handler = this;
  }

  get connection(): Connection | null {
    return this.#connection;
  }

  /** Whether `open` may be called. */
  get idle(): boolean {
    return this.#phase === IDLE && !this.#isClosing && this.#connection !== null && !this.#connection.closed;
  }

  get connected(): boolean {
    return this.#isConnected;
  }

  /** Exchanges that this connection has carried or carries. */
  get exchanges(): number {
    return this.#opened;
  }

  /** Begins an exchange; usable at once, also before the connection is. Throws a WeftError `internal` when not idle. */
  open(receiver: MessageReceiver): Stream {
    const connection = this.#connection;
    if (connection === null || !this.idle) {
      throw new WeftError('internal', { what: 'an HTTP/1.1 connection carries one exchange at a time' });
    }
    this.#opened++;
    this.#interim = 0;
    this.#keepAlive = true;
    this.#answered = false;
    this.#phase = OPENED;
    const stream = new ClientStream(this, connection, this.#writer, receiver);
    this.#stream = stream;
    return stream;
  }

  /** Takes no further exchange: closes now when idle, else after the one in flight. */
  close(): void {
    this.#isClosing = true;
    if (this.#phase === IDLE) this.#connection?.destroy('');
  }

  onOpen(): void {
    this.#isConnected = true;
    this.#options.callbacks.onConnected(this);
  }

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end) {
      switch (this.#phase) {
        case HEAD:
          if (!this.#answered && this.#isTooEarly()) {
            this.#refuse(EARLY_RESPONSE, end);
            return;
          }
          this.#answered = true;
          at = this.#readHead(bytes, at, end);
          break;
        case BODY:
          at = this.#readBody(bytes, at, end);
          break;
        case TUNNEL:
          this.#stream?.deliver(bytes, at, end, false);
          return;
        case IDLE:
        case OPENED:
          // Nobody asked: whose answer it is cannot be known.
          this.#fail(RESET.stale, 'unsolicited response');
          return;
        default:
          return;
      }
    }
  }

  onDrained(): void {
    this.#stream?.receiver?.onWritable();
  }

  onEnd(): void {
    const stream = this.#stream;
    if (this.#phase === TUNNEL && stream !== null) {
      stream.deliver(EMPTY_BYTES, 0, 0, true);
      this.#endTunnel(stream);
      return;
    }
    if (this.#phase === BODY && stream !== null && this.#body.endsWithConnection) {
      stream.deliver(EMPTY_BYTES, 0, 0, true);
      this.#complete(stream, false);
      return;
    }
    this.#connection?.destroy('the server closed the connection');
  }

  onClose(reason: string): void {
    if (this.#phase === OVER) return;
    const cause = this.#causeOfClose();
    this.#phase = OVER;
    this.#heads.reset();
    this.#body.reset();
    const stream = this.#stream;
    this.#stream = null;
    const receiver = stream === null || (stream.received && stream.sent) ? null : stream.receiver;
    stream?.detach();
    this.#options.callbacks.onGone(this, reason);
    receiver?.onReset(cause);
  }

  requestBegun(stream: ClientStream): void {
    if (stream === this.#stream && this.#phase === OPENED) this.#phase = HEAD;
  }

  requestSent(stream: ClientStream): void {
    if (stream === this.#stream && this.#phase === TUNNEL) this.#endTunnel(stream);
  }

  discarding(stream: ClientStream): void {
    // Half a request that nobody completes, or a tunnel without an end: no use in waiting.
    if (stream === this.#stream && (!stream.sent || this.#phase === TUNNEL)) this.abort(stream, 'abandoned');
  }

  abort(stream: ClientStream, reason: string): void {
    if (stream !== this.#stream) return;
    this.#stream = null;
    stream.detach();
    this.#connection?.destroy(reason);
  }

  /**
   * The request has not left this process, so nobody can have answered it: the bytes belong to an exchange before, or were
   * sent in advance to be taken for the answer of whoever comes next (response queue poisoning).
   */
  #isTooEarly(): boolean {
    const stream = this.#stream;
    const connection = this.#connection;
    if (stream === null || connection === null || stream.requestBytes === 0) return false;
    // Not the backlog: the kernel tells of a write later than the peer may answer it.
    return connection.unflushed >= stream.requestBytes;
  }

  #readHead(bytes: Uint8Array, at: number, end: number): number {
    const stream = this.#stream;
    if (stream === null) return end;
    const next = this.#heads.read(bytes, at, end);
    if (this.#heads.refusal !== 0) return this.#refuse(this.#heads.refusal, end);
    const head = this.#heads.head;
    if (head === null) return next;
    this.#heads.head = null;
    const refusal = this.#judge(head, stream);
    if (refusal !== 0) {
      head.free();
      return this.#refuse(refusal, end);
    }
    if (head.status < 200 && head.status !== 101) {
      // An interim response that says close means the connection, not itself: the final one still comes.
      this.#keepAlive &&= head.keepAlive;
      pass(head, false, stream.receiver);
    } else this.#begin(head, stream, next === end);
    return next;
  }

  #judge(head: Head, stream: ClientStream): number {
    const refusal = acceptResponse(head, stream.method);
    if (refusal !== 0) return refusal;
    if (head.status === 101 && !isAskedUpgrade(head, stream.askedProtocol)) return UNEXPECTED_UPGRADE;
    return head.status < 200 && ++this.#interim > MAX_INTERIM ? TOO_MANY_INTERIM : 0;
  }

  /** A final head. */
  #begin(head: Head, stream: ClientStream, isAllRead: boolean): void {
    const { framing } = head;
    this.#keepAlive &&= head.keepAlive;
    if (framing === FRAMING.none) {
      stream.endReceiving();
      this.#phase = BODY;
      pass(head, true, stream.receiver);
      this.#complete(stream, isAllRead);
      return;
    }
    if (framing === FRAMING.tunnel) {
      this.#phase = TUNNEL;
      stream.openTunnel();
    } else {
      this.#phase = BODY;
      this.#body.begin(framing, head.contentLength);
    }
    pass(head, false, stream.receiver);
  }

  #readBody(bytes: Uint8Array, at: number, end: number): number {
    const stream = this.#stream;
    if (stream === null) return end;
    const body = this.#body;
    const event = body.read(bytes, at, end);
    const next = body.at;
    switch (event) {
      case BODY_EVENT.data: {
        const dropped = stream.deliver(bytes, body.dataStart, body.dataEnd, body.last);
        if (body.last) this.#complete(stream, next === end);
        else if (dropped > this.#options.limits.maxDiscardBytes) this.abort(stream, 'too much to discard');
        return next;
      }
      case BODY_EVENT.end:
        stream.deliver(EMPTY_BYTES, 0, 0, true);
        this.#complete(stream, next === end);
        return next;
      case BODY_EVENT.trailers: {
        const { trailers } = body;
        body.trailers = null;
        stream.endReceiving();
        if (stream.receiver === null) trailers?.free();
        else if (trailers !== null) stream.receiver.onTrailers(trailers);
        this.#complete(stream, next === end);
        return next;
      }
      case BODY_EVENT.refused:
        return this.#refuse(body.refusal, end);
      default:
        return next;
    }
  }

  /**
   * The response is whole. The connection is kept only when the request is whole as well (else the server would take
   * the rest of it for the next request), and no byte came after the response.
   */
  #complete(stream: ClientStream, isAllRead: boolean): void {
    if (stream !== this.#stream) return;
    const persists = this.#keepAlive && stream.sent && isAllRead && !this.#isClosing;
    this.#stream = null;
    stream.detach();
    if (!persists) {
      this.#connection?.destroy('');
      return;
    }
    this.#phase = IDLE;
    this.#options.callbacks.onIdle(this);
  }

  /** Both FINs close the connection in order. */
  #endTunnel(stream: ClientStream): void {
    if (!stream.received || !stream.sent) return;
    this.#stream = null;
    stream.detach();
  }

  #refuse(code: number, end: number): number {
    const isLimit =
      code === HEAD_TOO_LARGE || code === TARGET_TOO_LONG || code === TOO_MANY_FIELDS || code === TRAILERS_TOO_LARGE;
    this.#fail(isLimit ? RESET.limit : RESET.protocol, refusalOf(code).detail);
    return end;
  }

  #fail(reason: ResetReason, detail: string): void {
    const stream = this.#stream;
    const receiver = stream?.receiver ?? null;
    this.#stream = null;
    stream?.detach();
    this.#connection?.destroy(detail);
    receiver?.onReset(reason);
  }

  #causeOfClose(): ResetReason {
    if (!this.#isConnected) return RESET.connect;
    return this.#opened > 1 && !this.#answered ? RESET.stale : RESET.connection;
  }
}

/** A server switches to nothing but what was asked for (RFC 9110 section 7.8). */
function isAskedUpgrade(head: Head, asked: string): boolean {
  return asked !== '' && head.upgrade === UPGRADE_STATE.granted && head.value(UPGRADE)?.toLowerCase() === asked;
}

function pass(head: Head, last: boolean, receiver: MessageReceiver | null): void {
  if (receiver === null) head.free();
  else receiver.onHead(head, last);
}
