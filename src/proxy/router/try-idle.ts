/** Notices a try on which nothing moves, where the route's policy bounds that. It counts bytes, so a chunk costs nothing. */
import { Timer, type Timers } from '../../core/timer-wheel.ts';

const LOOKS = 4;

export interface Progress {
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export class TryIdle extends Timer {
  readonly #timers: Timers;
  readonly #spanMs: number;
  readonly #progress: Progress;
  readonly #onSilence: () => void;
  #seen = -1;
  #silent = 0;

  constructor(timers: Timers, spanMs: number, progress: Progress, onSilence: () => void) {
    super();
    this.#timers = timers;
    this.#spanMs = spanMs;
    this.#progress = progress;
    this.#onSilence = onSilence;
    this.restart();
  }

  /** The response's head has come, which no count of bytes shows. */
  restart(): void {
    this.#silent = 0;
    this.#timers.arm(this, this.#spanMs / LOOKS);
  }

  stop(): void {
    this.#timers.disarm(this);
  }

  override fire(): void {
    const seen = this.#progress.bytesIn + this.#progress.bytesOut;
    this.#silent = seen === this.#seen ? this.#silent + 1 : 0;
    this.#seen = seen;
    if (this.#silent >= LOOKS) this.#onSilence();
    else this.#timers.arm(this, this.#spanMs / LOOKS);
  }
}
