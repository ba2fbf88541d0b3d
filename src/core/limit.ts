/**
 * A named, counted bound. Whatever can pile up (connections, pending requests, watchers) holds one, so that a limit
 * that fires can be seen and named.
 */

export class Limit {
  /** As it stands in metrics and logs: `cluster.max_pending_requests`. */
  readonly name: string;
  /** May change with the configuration; what is in use above a lowered maximum stays. Infinity: no bound. */
  max: number;
  #used = 0;
  #refused = 0;
  #peak = 0;

  constructor(name: string, max: number) {
    this.name = name;
    this.max = max;
  }

  get used(): number {
    return this.#used;
  }

  /** How often `take` said no. */
  get refused(): number {
    return this.#refused;
  }

  get peak(): number {
    return this.#peak;
  }

  /** Takes all of `amount` and says true, or takes nothing, counts a refusal and says false. */
  take(amount = 1): boolean {
    if (this.#used + amount > this.max) {
      this.#refused++;
      return false;
    }
    this.#used += amount;
    if (this.#used > this.#peak) this.#peak = this.#used;
    return true;
  }

  /** Gives back what was taken, once. Giving back more than is in use is a bug and throws. */
  give(amount = 1): void {
    if (amount > this.#used) throw new RangeError(`${this.name}: ${amount} given back, ${this.#used} in use`);
    this.#used -= amount;
  }
}
