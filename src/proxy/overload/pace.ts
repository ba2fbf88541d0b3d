/**
 * How long a connection whose request was refused is not read from. A refusal costs a third of a request: a caller that
 * asks again at once would eat the core that the others need, so the kernel makes it wait, the longer the more wait.
 */

const MIN_MS = 10;
/** A caller that waits this long has thousands beside it who were refused and asked again at once. */
const MAX_MS = 5_000;
/** Refusals for each request that is let in: a fourteenth of the core. */
const SHARE = 0.2;

export class Pace {
  #paused = 0;

  /** A connection is not read from for so long, ms; `resumed` follows. `rate`: requests let in a second. */
  pause(rate: number): number {
    this.#paused++;
    return Math.min(MAX_MS, Math.max(MIN_MS, (this.#paused * 1_000) / Math.max(1, rate * SHARE)));
  }

  resumed(): void {
    this.#paused--;
  }
}
