/**
 * While a connection is not read from because requests on it were refused: its callers wait in the kernel's buffers,
 * which costs the core nothing. Whatever was taken before goes on, and its responses leave.
 */
import type { Clock, Connection } from '../../core/runtime.ts';
import { Timer, type Timers } from '../../core/timer-wheel.ts';
import type { Pace } from '../overload/pace.ts';

/** Streams that were taken live beside those that were refused, and may need their credit, or content. */
const MAX_SHARED_MS = 250;

export class Recess extends Timer {
  readonly #connection: Connection;
  readonly #timers: Timers;
  readonly #clock: Clock;
  readonly #pace: Pace;
  readonly #maxMs: number;
  #refused = 0;
  #since = 0;

  /** `isShared`: many streams live on the connection. */
  constructor(connection: Connection, timers: Timers, clock: Clock, pace: Pace, isShared: boolean) {
    super();
    this.#connection = connection;
    this.#timers = timers;
    this.#clock = clock;
    this.#pace = pace;
    this.#maxMs = isShared ? MAX_SHARED_MS : Number.POSITIVE_INFINITY;
  }

  /** A request was refused. */
  note(): void {
    if (this.#connection.closed) return;
    this.#pace.enter();
    this.#refused++;
    if (this.armed) return;
    this.#since = this.#clock.now();
    this.#connection.pause();
    // What else was in the same read is refused by then.
    this.#timers.arm(this, 1);
  }

  /** The connection goes on, or has ended. */
  end(): void {
    this.#timers.disarm(this);
    this.#pace.leave(this.#refused);
    this.#refused = 0;
    this.#connection.resume();
  }

  override fire(): void {
    const leftMs = Math.min(this.#maxMs, this.#pace.pauseMs) - (this.#clock.now() - this.#since);
    if (leftMs >= 1) this.#timers.arm(this, leftMs);
    else this.end();
  }
}
