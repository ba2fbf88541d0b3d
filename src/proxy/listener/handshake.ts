/** A TLS handshake of an accepted connection, with a deadline; nothing of the application passes before it is done. */
import type { Connection, ConnectionHandler, Net, TlsOptions } from '../../core/runtime.ts';
import { Timer, type Timers } from '../../core/timer-wheel.ts';

/** Envoy's `transport_socket_connect_timeout` is off; an unfinished handshake is a cheap way to hold memory. */
const TIMEOUT_MS = 10_000;

export interface HandshakeOwner {
  /** The owner sets the connection's handler before it returns. */
  secured(connection: Connection): void;
  handshakeFailed(reason: string): void;
}

export class Handshake extends Timer implements ConnectionHandler {
  readonly #owner: HandshakeOwner;
  readonly #timers: Timers;
  readonly #secured: Connection;
  #timedOut = false;

  constructor(net: Net, timers: Timers, connection: Connection, options: TlsOptions, owner: HandshakeOwner) {
    super();
    this.#owner = owner;
    this.#timers = timers;
    timers.arm(this, TIMEOUT_MS);
    this.#secured = net.secure(connection, options, this);
  }

  onOpen(): void {
    this.#timers.disarm(this);
    this.#owner.secured(this.#secured);
  }

  onBytes(): void {}
  onDrained(): void {}
  onEnd(): void {}

  onClose(reason: string): void {
    this.#timers.disarm(this);
    this.#owner.handshakeFailed(this.#timedOut ? 'tls: handshake not done in time' : reason);
  }

  override fire(): void {
    this.#timedOut = true;
    this.#secured.destroy('handshake timeout');
  }
}
