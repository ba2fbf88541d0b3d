/**
 * A host that refuses connections is left alone for 500 ms, doubled with each further failure up to 15 s. This needs no
 * outlier detection and obeys no maximum: who cannot be reached serves nobody.
 */
import { Timer, type Timers } from '../../core/timer-wheel.ts';

const FIRST_MS = 500;
const MAX_MS = 15_000;
const MAX_DOUBLINGS = 10;

export class DialBackOff extends Timer {
  readonly #over: () => void;
  #inRow = 0;
  /** `Clock.now()` until which nobody should try; 0: not in back-off. */
  until = 0;

  constructor(over: () => void) {
    super();
    this.#over = over;
  }

  failed(timers: Timers, now: number): void {
    const delayMs = Math.min(FIRST_MS * 2 ** Math.min(this.#inRow++, MAX_DOUBLINGS), MAX_MS);
    this.until = now + delayMs;
    timers.arm(this, delayMs);
  }

  succeeded(timers: Timers): void {
    this.#inRow = 0;
    this.stop(timers);
  }

  stop(timers: Timers): void {
    timers.disarm(this);
    this.until = 0;
  }

  override fire(): void {
    this.until = 0;
    this.#over();
  }
}
