/** Gathers changes that come close together into one push, without letting a steady trickle hold it back for ever. */
import type { Clock } from '../../core/runtime.ts';
import { CallbackTimer, type Timers } from '../../core/timer-wheel.ts';
import type { Urgency } from './views.ts';

interface Wait {
  /** A push waits until nothing came for so long, */
  readonly quietMs: number;
  /** but not longer than this after the first change. */
  readonly atMostMs: number;
}

const WAITS: Readonly<Record<Urgency, Wait>> = {
  endpoints: { quietMs: 10, atMostMs: 50 },
  configuration: { quietMs: 100, atMostMs: 1000 },
};

export class Debounce {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #timer: CallbackTimer;
  readonly #firstAt = new Map<Urgency, number>();
  #dueAt = Number.POSITIVE_INFINITY;

  /** `push` is called once for all changes since the last. */
  constructor(clock: Clock, timers: Timers, push: () => void) {
    this.#clock = clock;
    this.#timers = timers;
    this.#timer = new CallbackTimer(() => {
      this.cancel();
      push();
    });
  }

  /** A change: the push moves away by its quiet time, but not past what an earlier, more urgent one was promised. */
  touch(urgency: Urgency): void {
    const now = this.#clock.now();
    const { quietMs, atMostMs } = WAITS[urgency];
    const first = this.#firstAt.get(urgency) ?? now;
    this.#firstAt.set(urgency, first);
    const mine = Math.min(now + quietMs, first + atMostMs);
    const other = urgency === 'endpoints' ? 'configuration' : 'endpoints';
    const promised = this.#firstAt.has(other) ? this.#dueAt : Number.POSITIVE_INFINITY;
    this.#dueAt = Math.min(mine, promised);
    this.#timers.arm(this.#timer, this.#dueAt - now);
  }

  /** Forgets what was gathered. */
  cancel(): void {
    this.#timers.disarm(this.#timer);
    this.#firstAt.clear();
    this.#dueAt = Number.POSITIVE_INFINITY;
  }
}
