/**
 * An accepted connection on its way through TLS. The handshake begins when the client has said something, and not before
 * it is this connection's turn: who only connects costs a socket. What the client said is given to TLS from here, so that
 * Node's buffer for what comes in is as large as that and a frame, and not the 64 KiB that it would be for a first read.
 */
import type { Connection, ConnectionHandler, Net, TlsOptions } from '../../core/runtime.ts';
import { Timer, type Timers } from '../../core/timer-wheel.ts';
import type { Handshake, HandshakeQueue } from './handshake-queue.ts';

/** From the connection to the first byte; the handshake itself has its own bound. */
const SILENT_MS = 10_000;

export interface NewcomerParts {
  readonly net: Net;
  readonly timers: Timers;
  readonly tls: TlsOptions;
  readonly queue: HandshakeQueue;
  /** Takes the secured connection over. */
  readonly onSecured: (secured: Connection) => void;
  /** It is gone before that. */
  readonly onRefused: (reason: string) => void;
}

export class Newcomer extends Timer implements ConnectionHandler, Handshake {
  readonly #parts: NewcomerParts;
  readonly #plain: Connection;
  #secured: Connection | null = null;

  constructor(plain: Connection, parts: NewcomerParts) {
    super();
    this.#plain = plain;
    this.#parts = parts;
    parts.timers.arm(this, SILENT_MS);
  }

  /** For the queue: it is its turn. */
  begin(): void {
    const { net, tls } = this.#parts;
    this.#secured = net.secure(this.#plain, tls, this);
  }

  destroy(reason: string): void {
    (this.#secured ?? this.#plain).destroy(reason);
  }

  override fire(): void {
    this.destroy('tls: the client says nothing');
  }

  onOpen(): void {
    if (this.#secured !== null) this.#parts.onSecured(this.#secured);
  }

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    this.#plain.pause();
    this.#plain.unread(bytes, start, end);
    this.#parts.timers.disarm(this);
    this.#parts.queue.enter(this);
  }

  onDrained(): void {}

  onEnd(): void {
    this.destroy('tls: the client closed the connection');
  }

  onClose(reason: string): void {
    const { timers, queue, onRefused } = this.#parts;
    timers.disarm(this);
    queue.leave(this);
    onRefused(reason);
  }
}
