/**
 * Lets one line a second through for each cause, so that a peer that fails a thousand times a second cannot fill a disk
 * with our words. What is held back is still counted in the metrics.
 */
import type { Clock } from './runtime.ts';

const EVERY_MS = 1_000;
const MAX_CAUSES = 512;

export class LogThrottle {
  readonly #clock: Clock;
  readonly #burst: number;
  /** When the next line of a cause would be due if each had waited its second. */
  readonly #due = new Map<string, number>();

  /** `burst`: lines of one cause that may come at once, where each may tell something else; default 1. */
  constructor(clock: Clock, burst = 1) {
    this.#clock = clock;
    this.#burst = burst;
  }

  allows(cause: string): boolean {
    const now = this.#clock.now();
    const due = Math.max(this.#due.get(cause) ?? now, now);
    if (due - now > (this.#burst - 1) * EVERY_MS) return false;
    if (this.#due.size >= MAX_CAUSES) this.#due.clear();
    this.#due.set(cause, due + EVERY_MS);
    return true;
  }
}
