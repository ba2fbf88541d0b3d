/** Attempts that wait for a connection to one endpoint, first come first served, within the cluster's limit on them. */
import type { Attempt, WaitingPlace } from '../attempt.ts';
import type { PoolHost } from './pool-host.ts';

export class WaitingLine {
  readonly #host: PoolHost;
  readonly #place: WaitingPlace;
  readonly #attempts: Attempt[] = [];

  /** `place` is what `Attempt.waitsIn` names. */
  constructor(host: PoolHost, place: WaitingPlace) {
    this.#host = host;
    this.#place = place;
  }

  get length(): number {
    return this.#attempts.length;
  }

  /** False: the limit is reached, and the attempt has been refused. */
  join(attempt: Attempt): boolean {
    const { circuit } = this.#host;
    if (!circuit.take(circuit.pending)) {
      this.#host.refuse(attempt, 'UO', circuit.describe(circuit.pending));
      return false;
    }
    attempt.waitsIn = this.#place;
    this.#attempts.push(attempt);
    return true;
  }

  /** False: it was not in line. */
  leave(attempt: Attempt): boolean {
    const index = this.#attempts.indexOf(attempt);
    if (index < 0) return false;
    this.#attempts.splice(index, 1);
    this.#left(attempt);
    return true;
  }

  next(): Attempt | null {
    const attempt = this.#attempts.shift();
    if (attempt === undefined) return null;
    this.#left(attempt);
    return attempt;
  }

  /** Everybody goes elsewhere. `detail`: why, for those who find no place. */
  moveAll(detail: string): void {
    // Who is sent back here by the pick stands behind those who are still to be moved.
    for (let rest = this.#attempts.length; rest > 0; rest--) {
      const attempt = this.next();
      if (attempt !== null) this.#host.repick(attempt, detail);
    }
  }

  #left(attempt: Attempt): void {
    attempt.waitsIn = null;
    this.#host.circuit.pending.give();
  }
}
