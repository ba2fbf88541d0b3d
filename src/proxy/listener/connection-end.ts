/**
 * The end of a downstream connection that has lived as long, or carried as many requests, as its listener allows: the
 * client is asked to go, and after the drain time the connection ends with what it carries (Envoy's drain sequence).
 */
import { Timer } from '../../core/timer-wheel.ts';
import type { HttpManager } from '../../snapshot/snapshot.ts';
import type { Downstream } from '../router/downstream.ts';

export interface EndingConnection {
  readonly idle: boolean;
  announceEnd(): void;
  drain(): void;
}

export class ConnectionEnd extends Timer {
  readonly #connection: EndingConnection;
  readonly #down: Downstream;
  #requests = 0;
  #isAnnounced = false;

  constructor(connection: EndingConnection, down: Downstream) {
    super();
    this.#connection = connection;
    this.#down = down;
    const { manager, world } = down;
    if (manager.maxConnectionDurationMs > 0) world.timers.arm(this, manager.maxConnectionDurationMs);
  }

  /** One that never ends by itself needs none of this. */
  static isWanted({ maxConnectionDurationMs, maxRequestsPerConnection }: HttpManager): boolean {
    return maxConnectionDurationMs > 0 || maxRequestsPerConnection > 0;
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
    if (!this.#isAnnounced) this.#announce('max_connection_duration');
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
