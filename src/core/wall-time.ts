/**
 * The time of day of a moment that is known on the monotonic clock: for those who have read that one already and would
 * read another for every request. A step of the system's clock is followed within a second.
 */
import type { Clock } from './runtime.ts';

const CHECK_MS = 1_000;

export class WallTime {
  readonly #clock: Clock;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #offset = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds since the Unix epoch at `now`, which `Clock.now()` has said in the last moments. */
  at(now: number): number {
    if (now - this.#checkedAt >= CHECK_MS) {
      this.#checkedAt = now;
      this.#offset = this.#clock.wall() - this.#clock.now();
    }
    return now + this.#offset;
  }
}
