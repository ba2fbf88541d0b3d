/**
 * The client end of HTTP/2 as a pool holds it: made before its connection is, and open for streams as soon as it has
 * one.
 */
import { WeftError } from '../../core/errors.ts';
import type { Connection, ConnectionHandler } from '../../core/runtime.ts';
import type { MessageReceiver, Stream } from '../message.ts';
import { type ClientEvents, ClientSession } from './client-session.ts';
import type { LinkOptions } from './link.ts';

export interface Http2ClientCallbacks {
  /** `room` has grown from 0, or the server has said for the first time what it is. */
  onRoom(client: Http2Client): void;
  /** No new streams on this connection: GOAWAY came, or ids have run out. Those there are go on. */
  onDraining(client: Http2Client): void;
  /** The connection is of no more use; exactly once, before the receivers of streams in flight are reset. */
  onGone(client: Http2Client, reason: string): void;
  /** A named bound fired (`LIMIT`). */
  onLimit(name: string): void;
}

export interface Http2ClientOptions extends LinkOptions {
  readonly callbacks: Http2ClientCallbacks;
}

export class Http2Client implements ConnectionHandler, ClientEvents {
  readonly #options: Http2ClientOptions;
  #session: ClientSession | null = null;
  #isGone = false;

  constructor(options: Http2ClientOptions) {
    this.#options = options;
  }

  /** The connection, or its secured side; it may still be opening. An open one: also call `onOpen`. */
  attach(connection: Connection): void {
    connection.handler = this;
    this.#session = new ClientSession(connection, this.#options, this);
  }

  /** Streams in flight. */
  get active(): number {
    return this.#session === null ? 0 : this.#session.active;
  }

  /** Streams that may be opened now: 0 before `attach`, after GOAWAY and `close`. */
  get room(): number {
    return this.#session === null ? 0 : this.#session.room;
  }

  /** Whether the server has said how many streams it takes; until then `room` is a guess. */
  get settled(): boolean {
    return this.#session !== null && this.#session.settled;
  }

  /** A stream, usable at once; HEADERS leave with `sendHead`. Throws a WeftError `internal` where there is no room. */
  open(receiver: MessageReceiver): Stream {
    const session = this.#session;
    if (session === null || session.room === 0) {
      throw new WeftError('internal', { what: 'no room for another stream on this HTTP/2 connection' });
    }
    return session.open(receiver);
  }

  /** Takes no further stream: GOAWAY and close when those in flight have ended. */
  close(): void {
    this.#session?.close();
  }

  onOpen(): void {
    this.#session?.onOpen();
  }

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    this.#session?.onBytes(bytes, start, end);
  }

  onDrained(): void {
    this.#session?.onDrained();
  }

  onEnd(): void {
    this.#session?.onEnd();
  }

  onClose(reason: string): void {
    this.#session?.onClose(reason);
  }

  onLimit(name: string): void {
    this.#options.callbacks.onLimit(name);
  }

  roomGrew(): void {
    this.#options.callbacks.onRoom(this);
  }

  draining(): void {
    this.#options.callbacks.onDraining(this);
  }

  over(reason: string): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#options.callbacks.onGone(this, reason);
  }
}
