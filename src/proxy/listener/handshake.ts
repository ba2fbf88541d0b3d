/** A TLS handshake of an accepted connection, with a deadline; nothing of the application passes before it is done. */
import type { Connection, ConnectionHandler, Net, TlsOptions } from '../../core/runtime.ts';
import { Timer, type Timers } from '../../core/timer-wheel.ts';

/** Envoy's `transport_socket_connect_timeout` is off; an unfinished handshake is a cheap way to hold memory. */
const TIMEOUT_MS = 10_000;

export interface HandshakeOwner {
  /** The owner sets the connection's handler before it returns. */
  secured(handshake: Handshake, connection: Connection): void;
  handshakeFailed(handshake: Handshake, reason: string): void;
}

export class Handshake extends Timer implements ConnectionHandler {
  readonly #owner: HandshakeOwner;
  readonly #timers: Timers;
  #secured: Connection | null = null;
  #timedOut = false;

  constructor(timers: Timers, owner: HandshakeOwner) {
    super();
    this.#owner = owner;
    this.#timers = timers;
  }

  /** Takes the connection over. */
  start(net: Net, connection: Connection, options: TlsOptions): void {
    this.#timers.arm(this, TIMEOUT_MS);
    this.#secured = net.secure(connection, options, this);
  }

  cut(): void {
    this.#secured?.destroy('the listener is closed');
  }

  onOpen(): void {
    this.#timers.disarm(this);
    // `onOpen` comes on a later turn than `start`.
    if (this.#secured !== null) this.#owner.secured(this, this.#secured);
  }

  onBytes(): void {}
  onDrained(): void {}
  onEnd(): void {}

  onClose(reason: string): void {
    this.#timers.disarm(this);
    this.#owner.handshakeFailed(this, this.#timedOut ? 'tls: handshake not done in time' : reason);
  }

  override fire(): void {
    this.#timedOut = true;
    this.#secured?.destroy('handshake timeout');
  }
}
