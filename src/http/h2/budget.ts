/**
 * How much of something a peer may do: a burst, refilled by time and by what it does of use. Asked on rare frames only,
 * so that the clock is not read for ordinary ones.
 */
import type { Clock } from '../../core/runtime.ts';

export class Budget {
  readonly #clock: Clock;
  readonly #burst: number;
  readonly #perMs: number;
  #left: number;
  #at: number;

  constructor(clock: Clock, burst: number, perSecond: number) {
    this.#clock = clock;
    this.#burst = burst;
    this.#perMs = perSecond / 1000;
    this.#left = burst;
    this.#at = clock.now();
  }

  earn(amount: number): void {
    if (this.#left < this.#burst) this.#left = Math.min(this.#burst, this.#left + amount);
  }

  /** False when nothing is left: the bound fires. */
  spend(amount: number): boolean {
    if (this.#left < amount) this.#refill();
    if (this.#left < amount) return false;
    this.#left -= amount;
    return true;
  }

  #refill(): void {
    const now = this.#clock.now();
    this.#left = Math.min(this.#burst, this.#left + (now - this.#at) * this.#perMs);
    this.#at = now;
  }
}
