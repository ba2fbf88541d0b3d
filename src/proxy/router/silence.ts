/**
 * Notices that nothing has moved for a while. A chunk costs one store: the timer looks four times in the span, so it
 * fires after one span of silence and a quarter at most. Exchanges and relays extend it, which saves them an object.
 */
import { Timer, type Timers } from '../../core/timer-wheel.ts';

const LOOKS = 4;

export abstract class SilenceTimer extends Timer {
  /** Set whenever something moves. */
  protected moved = false;
  readonly #timers: Timers;
  readonly #spanMs: number;
  #silent = 0;

  /** `spanMs` 0: never. */
  constructor(timers: Timers, spanMs: number) {
    super();
    this.#timers = timers;
    this.#spanMs = spanMs;
    if (spanMs > 0) timers.arm(this, spanMs / LOOKS);
  }

  override fire(): void {
    this.#silent = this.moved ? 0 : this.#silent + 1;
    this.moved = false;
    if (this.#silent >= LOOKS) this.onSilence();
    else this.#timers.arm(this, this.#spanMs / LOOKS);
  }

  protected stopListening(): void {
    this.#timers.disarm(this);
  }

  protected abstract onSilence(): void;
}
