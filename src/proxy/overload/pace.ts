/**
 * How long a connection on which a request was refused is not read from. A caller that asks again at once would eat the
 * core that the others need, so the kernel makes it wait, the longer the more wait: all of them together are refused so
 * often a second and no more. Few are not held back, and hear of every refusal at once.
 */

/** Longer than callers wait for an answer; as many as get there are refused more often. */
const MAX_MS = 5_000;
/** To read a request and to refuse it takes some 15 µs: a sixteenth of the core. */
const REFUSALS_PER_MS = 4;

export class Pace {
  #waiting = 0;

  /** From the refusal to the next read. */
  get pauseMs(): number {
    return Math.min(MAX_MS, this.#waiting / REFUSALS_PER_MS);
  }

  /** One caller was refused and is made to wait. */
  enter(): void {
    this.#waiting++;
  }

  /** So many may ask again. */
  leave(count: number): void {
    this.#waiting -= count;
  }
}
