/**
 * Connections to an endpoint that is told whose they are: each is for requests of one downstream connection, so each pair
 * of ends has a pool of its own, which is gone when it holds nothing. Envoy keeps them apart in the same way.
 */
import type { Attempt, Pool, PoolSizes } from '../attempt.ts';
import type { Ends } from '../announcement.ts';

/** Empty ones are looked for when there are so many, then at twice the number that was left. */
const FIRST_LOOK_AT = 16;

export class PoolsByEnds implements Pool {
  readonly #make: (ends: Ends) => Pool;
  readonly #pools = new Map<string, Pool>();
  #lookAt = FIRST_LOOK_AT;

  constructor(make: (ends: Ends) => Pool) {
    this.#make = make;
  }

  get sizes(): PoolSizes {
    const sizes = { idle: 0, busy: 0, connecting: 0, pending: 0 };
    for (const pool of this.#pools.values()) {
      const { idle, busy, connecting, pending } = pool.sizes;
      sizes.idle += idle;
      sizes.busy += busy;
      sizes.connecting += connecting;
      sizes.pending += pending;
    }
    return sizes;
  }

  open(attempt: Attempt): void {
    const ends: Ends = { source: attempt.source(), destination: attempt.destination() };
    const key = `${ends.source.host} ${ends.source.port} ${ends.destination.host} ${ends.destination.port}`;
    let pool = this.#pools.get(key);
    if (pool === undefined) {
      if (this.#pools.size >= this.#lookAt) this.#forgetEmpty();
      pool = this.#make(ends);
      this.#pools.set(key, pool);
    }
    pool.open(attempt);
  }

  cancel(attempt: Attempt): void {
    for (const pool of this.#pools.values()) pool.cancel(attempt);
  }

  evict(): void {
    for (const pool of this.#pools.values()) pool.evict();
  }

  retire(): void {
    for (const pool of this.#pools.values()) pool.retire();
  }

  #forgetEmpty(): void {
    for (const [key, { sizes }] of this.#pools) {
      if (sizes.idle + sizes.busy + sizes.connecting + sizes.pending === 0) this.#pools.delete(key);
    }
    this.#lookAt = Math.max(FIRST_LOOK_AT, 2 * this.#pools.size);
  }
}
