/**
 * Connections being made to one endpoint: as many as are waited for, but never a herd. It begins with a few at once,
 * doubles that with each success and falls back to one with a failure, so that an endpoint which comes up or is drowning
 * is not met with a handshake for every request that waits.
 */
import type { Connection } from '../../../core/runtime.ts';
import type { Ends } from '../announcement.ts';
import { Dial, type DialOwner } from '../dial.ts';
import type { EndpointState } from '../endpoint-state.ts';
import type { PoolHost } from './pool-host.ts';

/** Handshakes at once to an endpoint of which nothing is known. */
const FIRST_AT_ONCE = 4;
const MAX_AT_ONCE = 64;

export interface DialsOwner {
  /** Sets the connection's handler before it returns; the connection holds a place of the limit, to be given back. */
  dialSucceeded(connection: Connection): void;
  /** The place in the limit is given back already. */
  dialFailed(reason: string): void;
}

export class Dials implements DialOwner {
  readonly #host: PoolHost;
  readonly #target: EndpointState;
  readonly #owner: DialsOwner;
  readonly #ends: Ends | null;
  readonly #open = new Set<Dial>();
  #atOnce = FIRST_AT_ONCE;

  /** `ends`: of the one downstream connection that they are for; null: they are for any. */
  constructor(host: PoolHost, target: EndpointState, owner: DialsOwner, ends: Ends | null) {
    this.#ends = ends;
    this.#host = host;
    this.#target = target;
    this.#owner = owner;
  }

  /** Under way. */
  get size(): number {
    return this.#open.size;
  }

  /**
   * Makes connections until `wanted` are under way, as far as the cap and the limit on connections allow. `others`: how
   * many there are besides; an endpoint without any may have one beyond the limit.
   */
  want(wanted: number, others: number): void {
    const { circuit, dialer, config } = this.#host;
    while (this.#open.size < wanted && this.#open.size < this.#atOnce) {
      if (!circuit.takeConnection(this.#open.size + others === 0)) return;
      const dial = new Dial(dialer, this, this.#target, this.#ends);
      this.#open.add(dial);
      dial.start(config.connectTimeoutMs);
    }
  }

  /** Gives up the youngest until at most `wanted` are under way. */
  trim(wanted: number): void {
    if (this.#open.size <= wanted) return;
    for (const dial of [...this.#open].slice(wanted)) this.#cancel(dial);
  }

  dialed(dial: Dial, connection: Connection): void {
    this.#open.delete(dial);
    this.#atOnce = Math.min(this.#atOnce * 2, MAX_AT_ONCE);
    this.#owner.dialSucceeded(connection);
  }

  dialFailed(dial: Dial, reason: string): void {
    this.#open.delete(dial);
    this.#atOnce = 1;
    this.#host.circuit.connections.give();
    this.#owner.dialFailed(reason);
  }

  #cancel(dial: Dial): void {
    this.#open.delete(dial);
    dial.cancel();
    this.#host.circuit.connections.give();
  }
}
