/**
 * A connection seen as a stream of raw bytes: one side of a TCP relay or of a tunnel. With it a relay has the same
 * shape whether its sides are sockets, CONNECT tunnels or, later, streams of a multiplexed hop.
 */
import { EMPTY_BYTES } from '../../core/bytes.ts';
import {
  type Connection,
  type ConnectionHandler,
  type ConnectionInfo,
  HIGH_WATER,
  LOW_WATER,
} from '../../core/runtime.ts';
import type { Head } from '../../http/head.ts';
import { type MessageReceiver, RESET, type ResetReason, type Stream } from '../../http/message.ts';

/** Told once when the connection is gone, for accounting. */
export interface StreamOwner {
  closed(stream: ConnectionStream, reason: string): void;
}

export class ConnectionStream implements Stream, ConnectionHandler {
  readonly connection: Connection;
  readonly #owner: StreamOwner | null;
  #receiver: MessageReceiver | null;
  #owed = 0;
  #paused = false;
  #readEnded = false;
  #writeEnded = false;

  /** Becomes the handler of an open connection. */
  constructor(connection: Connection, receiver: MessageReceiver, owner: StreamOwner | null) {
    this.connection = connection;
    this.#receiver = receiver;
    this.#owner = owner;
    connection.handler = this;
  }

  get info(): ConnectionInfo {
    return this.connection.info;
  }

  get unsent(): number {
    return this.connection.backlog;
  }

  /** A CONNECT request ends at the proxy: its head does not go on. */
  sendHead(_head: Head, last: boolean): void {
    if (last) this.#end();
  }

  sendData(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    if (end > start) this.connection.write(bytes, start, end);
    if (last) this.#end();
  }

  sendTrailers(_fields: Head): void {
    this.#end();
  }

  release(bytes: number): void {
    this.#owed -= bytes;
    if (!this.#paused || this.#owed > LOW_WATER) return;
    this.#paused = false;
    this.connection.resume();
  }

  discard(): void {
    if (!this.#readEnded || !this.#writeEnded) this.reset(RESET.cancelled);
    else this.#receiver = null;
  }

  reset(_reason: ResetReason): void {
    this.#receiver = null;
    this.connection.destroy('reset by the relay');
  }

  onOpen(): void {}

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    this.#owed += end - start;
    this.#receiver?.onData(bytes, start, end, false);
    if (this.#owed < HIGH_WATER || this.#paused) return;
    this.#paused = true;
    this.connection.pause();
  }

  onDrained(): void {
    this.#receiver?.onWritable();
  }

  onEnd(): void {
    if (this.#readEnded) return;
    this.#readEnded = true;
    this.#receiver?.onData(EMPTY_BYTES, 0, 0, true);
  }

  onClose(reason: string): void {
    this.#owner?.closed(this, reason);
    const receiver = this.#receiver;
    this.#receiver = null;
    // After both ends in order there is nothing left to tell.
    if (receiver !== null && (reason !== '' || !this.#readEnded || !this.#writeEnded)) {
      receiver.onReset(RESET.connection);
    }
  }

  #end(): void {
    if (this.#writeEnded) return;
    this.#writeEnded = true;
    this.connection.end();
  }
}
