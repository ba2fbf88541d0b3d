/**
 * How much one client may ask: room for a large first burst, then a steady rate. Past it the stream is read more slowly,
 * which flow control passes on to the client; nothing is refused.
 */

/** A request costs one unit, and one for each KiB of it. */
const BURST_UNITS = 16_384;
const UNITS_PER_SECOND = 2_048;

export class RequestBudget {
  #units = BURST_UNITS;
  #at: number;

  constructor(nowMs: number) {
    this.#at = nowMs;
  }

  /** For how many milliseconds nothing more should be read; 0 while there is room. */
  spend(bytes: number, nowMs: number): number {
    this.#units = Math.min(BURST_UNITS, this.#units + ((nowMs - this.#at) * UNITS_PER_SECOND) / 1000);
    this.#at = nowMs;
    this.#units -= 1 + bytes / 1024;
    return this.#units >= 0 ? 0 : Math.ceil((-this.#units * 1000) / UNITS_PER_SECOND) + 100;
  }
}
