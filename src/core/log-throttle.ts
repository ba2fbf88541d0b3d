/**
 * Lets one line a second through for each cause, so that a peer that fails a thousand times a second cannot fill a disk
 * with our words. What is held back is still counted in the metrics.
 */
import type { Clock } from './runtime.ts';

const EVERY_MS = 1_000;
const MAX_CAUSES = 512;

export class LogThrottle {
  readonly #clock: Clock;
  readonly #last = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  allows(cause: string): boolean {
    const now = this.#clock.now();
    if (now - (this.#last.get(cause) ?? Number.NEGATIVE_INFINITY) < EVERY_MS) return false;
    if (this.#last.size >= MAX_CAUSES) this.#last.clear();
    this.#last.set(cause, now);
    return true;
  }
}
