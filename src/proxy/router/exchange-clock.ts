/**
 * All that can run out for an exchange, on one timer: silence, the request's timeout, the greatest age of a stream. A
 * chunk costs one store, and most requests one arming. Exchanges extend it, which saves them an object.
 */
import type { Clock } from '../../core/runtime.ts';
import { Timer, type Timers } from '../../core/timer-wheel.ts';

/** Silence is noticed after one span of it and a quarter at most. */
const LOOKS = 4;
const NEVER = Number.POSITIVE_INFINITY;
/** Times are doubles: what fired in time must not be taken for early. */
const SLACK_MS = 0.5;

/** What has run out. */
export const EXPIRY = {
  /** The route's timeout, which counts from the end of the request. */
  request: 0,
  /** The greatest duration of a stream, which counts from its beginning. */
  stream: 1,
  /** The caller's own deadline. */
  deadline: 2,
} as const;
export type Expiry = (typeof EXPIRY)[keyof typeof EXPIRY];

export abstract class ExchangeClock extends Timer {
  /** Set whenever something moves. */
  moved = false;
  readonly #timers: Timers;
  readonly #clock: Clock;
  #idleMs: number;
  #silent = 0;
  #lookAt = NEVER;
  #requestAt = NEVER;
  #streamAt = NEVER;
  #streamExpiry: Expiry = EXPIRY.stream;
  #armedFor = NEVER;
  #isRunning = false;

  /** `idleMs` 0: silence is no reason. */
  constructor(timers: Timers, clock: Clock, idleMs: number) {
    super();
    this.#timers = timers;
    this.#clock = clock;
    this.#idleMs = idleMs;
  }

  override fire(): void {
    const now = this.#clock.now() + SLACK_MS;
    this.#armedFor = NEVER;
    if (now >= this.#streamAt) return this.onExpiry(this.#streamExpiry);
    if (now >= this.#requestAt) return this.onExpiry(EXPIRY.request);
    if (now >= this.#lookAt) {
      this.#silent = this.moved ? 0 : this.#silent + 1;
      this.moved = false;
      if (this.#silent >= LOOKS) return this.onSilence(this.#idleMs);
      this.#lookAt = now + this.#idleMs / LOOKS;
    }
    this.#arm(now);
  }

  /** Separate from construction: what is known of the route by then is in the first arming. */
  protected startClock(now: number): void {
    this.#isRunning = true;
    if (this.#idleMs > 0) this.#lookAt = now + this.#idleMs / LOOKS;
    this.#arm(now);
  }

  /** Instead of what the constructor was told; for a route that says so. */
  protected watchSilence(idleMs: number, now: number): void {
    if (idleMs === this.#idleMs) return;
    this.#idleMs = idleMs;
    this.#silent = 0;
    if (!this.#isRunning) return;
    this.#lookAt = idleMs > 0 ? now + idleMs / LOOKS : NEVER;
    this.#arm(now);
  }

  /** The earliest of all that were said counts. */
  protected expireAt(at: number, expiry: Expiry, now: number): void {
    if (expiry === EXPIRY.request) {
      this.#requestAt = Math.min(this.#requestAt, at);
    } else if (at < this.#streamAt) {
      this.#streamAt = at;
      this.#streamExpiry = expiry;
    }
    if (this.#isRunning) this.#arm(now);
  }

  /** A tunnel has no response that could be late. */
  protected forgetRequestTimeout(): void {
    this.#requestAt = NEVER;
  }

  protected stopClock(): void {
    this.#isRunning = false;
    this.#timers.disarm(this);
  }

  protected abstract onSilence(idleMs: number): void;
  protected abstract onExpiry(expiry: Expiry): void;

  /** The present, as far as the clock has to be asked: until it runs, everything happens at `startedAt`. */
  protected timeNow(startedAt: number): number {
    return this.#isRunning ? this.#clock.now() : startedAt;
  }

  /** An early look costs less than moving the timer to a later time. */
  #arm(now: number): void {
    const due = Math.min(this.#lookAt, this.#requestAt, this.#streamAt);
    if (due === NEVER || (this.armed && due >= this.#armedFor)) return;
    this.#armedFor = due;
    this.#timers.arm(this, due - now, now);
  }
}
