/**
 * How long a connection whose request was refused is not read from. A caller that asks again at once would eat the core
 * that the others need, so the kernel makes it wait, the longer the more wait: all of them together are refused so often
 * a second and no more. Few are not held back, and hear of every refusal at once.
 */

const MIN_MS = 1;
/** Longer than callers wait for an answer; as many as get there are refused more often. */
const MAX_MS = 5_000;
/** To read a request and to refuse it takes some 15 µs: a sixteenth of the core. */
const REFUSALS_PER_MS = 4;

export class Pace {
  #paused = 0;

  /** A connection is not read from for so long, ms; `resumed` follows. */
  pause(): number {
    this.#paused++;
    return Math.min(MAX_MS, Math.max(MIN_MS, this.#paused / REFUSALS_PER_MS));
  }

  resumed(): void {
    this.#paused--;
  }
}
