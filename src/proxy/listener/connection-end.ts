/**
 * The end of a downstream connection that has lived as long, or carried as many requests, as its listener allows, or
 * whose client's certificate nears its end: the client is asked to go, and after the drain time the connection ends with
 * what it carries (Envoy's drain sequence).
 */
import { Timer } from '../../core/timer-wheel.ts';
import type { Downstream } from '../router/downstream.ts';

export interface EndingConnection {
  readonly idle: boolean;
  announceEnd(): void;
  drain(): void;
}

/**
 * Of what is left of the client's certificate. Requests on a certificate that has expired are refused, and clients that
 * are not ours keep the connection that they have: asked in time, they come back with the next certificate.
 */
const CERTIFICATE_SHARE = 0.75;

export class ConnectionEnd extends Timer {
  readonly #connection: EndingConnection;
  readonly #down: Downstream;
  readonly #lifetime: Lifetime | null;
  #requests = 0;
  #isAnnounced = false;

  constructor(connection: EndingConnection, down: Downstream) {
    super();
    this.#connection = connection;
    this.#down = down;
    this.#lifetime = lifetimeOf(down);
    if (this.#lifetime !== null) down.world.timers.arm(this, this.#lifetime.ms);
  }

  /** One that never ends by itself needs none of this. */
  static isWanted(down: Downstream): boolean {
    return down.manager.maxRequestsPerConnection > 0 || lifetimeOf(down) !== null;
  }

  /** Before the request is served, so that its response tells. */
  requestCame(): void {
    this.#requests++;
    if (this.#requests === this.#down.manager.maxRequestsPerConnection) this.#announce('max_requests_per_connection');
  }

  /** The connection has ended. */
  stop(): void {
    this.#down.world.timers.disarm(this);
  }

  override fire(): void {
    if (!this.#isAnnounced) this.#announce(this.#lifetime?.limit ?? '');
    else this.#connection.drain();
  }

  #announce(limit: string): void {
    const { manager, world } = this.#down;
    if (this.#isAnnounced) return;
    this.#isAnnounced = true;
    world.telemetry.limit(limit, manager.statPrefix).add(1);
    if (this.#connection.idle) return this.#connection.drain();
    this.#connection.announceEnd();
    world.timers.arm(this, manager.drainTimeoutMs);
  }
}

interface Lifetime {
  readonly ms: number;
  readonly limit: string;
}

/** Null: it may live for ever. */
function lifetimeOf({ manager, secure, info, world }: Downstream): Lifetime | null {
  const { maxConnectionDurationMs } = manager;
  const peer = secure ? (info.tls?.peer ?? null) : null;
  const allowed = maxConnectionDurationMs > 0 ? maxConnectionDurationMs : Infinity;
  const left = peer === null ? Infinity : (peer.notAfter - world.runtime.clock.wall()) * CERTIFICATE_SHARE;
  if (allowed === Infinity && left === Infinity) return null;
  return left < allowed
    ? { ms: Math.max(0, left), limit: 'peer_certificate_lifetime' }
    : { ms: allowed, limit: 'max_connection_duration' };
}
