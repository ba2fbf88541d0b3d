/**
 * Who gets a first configuration now and who waits: when everybody reconnects at once, making and sending all views
 * together would hold all of them in memory and let nobody finish. Who waits fails at nothing, it is only later.
 */
import type { Clock } from '../../core/runtime.ts';
import { CallbackTimer, type Timers } from '../../core/timer-wheel.ts';
import type { XdsMetrics } from './xds-metrics.ts';

export interface TurnstileOptions<T> {
  readonly clock: Pick<Clock, 'now'>;
  /** Runs it when the event loop has looked after others. */
  readonly later: (run: () => void) => void;
  readonly timers: Timers;
  readonly metrics: XdsMetrics;
  readonly maxAtOnce: number;
  readonly start: (one: T) => void;
}

/** Who takes longer does so on its own account. */
const MAX_INSIDE_MS = 2_000;
/** In one turn of the event loop: then those are served who are connected and have their configuration. */
const MAX_STARTS = 20;
const MAX_WORK_MS = 10;

export class Turnstile<T> {
  readonly #options: TurnstileOptions<T>;
  /** In order of arrival. */
  readonly #waiting = new Set<T>();
  readonly #inside = new Map<T, CallbackTimer>();
  readonly #turnEnds = (): void => this.#nextTurn();
  #isAdmitting = false;
  /** In this turn. */
  #starts = 0;
  #workMs = 0;

  constructor(options: TurnstileOptions<T>) {
    this.#options = options;
  }

  /** Starts it now or later. */
  enter(one: T): void {
    const { metrics, maxAtOnce } = this.#options;
    this.#waiting.add(one);
    if (this.#inside.size >= maxAtOnce || this.#waiting.size > 1) metrics.waited.add(1);
    this.#admit();
  }

  isWaiting(one: T): boolean {
    return this.#waiting.has(one);
  }

  isInside(one: T): boolean {
    return this.#inside.has(one);
  }

  /** It is done, or gone. */
  leave(one: T): void {
    const timer = this.#inside.get(one);
    if (timer !== undefined) this.#options.timers.disarm(timer);
    const wasThere = this.#inside.delete(one);
    if (this.#waiting.delete(one) || wasThere) this.#admit();
  }

  close(): void {
    for (const timer of this.#inside.values()) this.#options.timers.disarm(timer);
    this.#inside.clear();
    this.#waiting.clear();
  }

  #nextTurn(): void {
    this.#starts = 0;
    this.#workMs = 0;
    this.#admit();
  }

  #admit(): void {
    if (this.#isAdmitting) return;
    this.#isAdmitting = true;
    const { timers, clock, later, maxAtOnce, start, metrics } = this.#options;
    for (const one of this.#waiting) {
      if (this.#inside.size >= maxAtOnce || this.#starts === MAX_STARTS || this.#workMs >= MAX_WORK_MS) break;
      if (this.#starts++ === 0) later(this.#turnEnds);
      this.#waiting.delete(one);
      const timer = new CallbackTimer(() => this.leave(one));
      this.#inside.set(one, timer);
      timers.arm(timer, MAX_INSIDE_MS);
      const begunMs = clock.now();
      start(one);
      this.#workMs += clock.now() - begunMs;
    }
    metrics.waiting.set(this.#waiting.size);
    this.#isAdmitting = false;
  }
}
