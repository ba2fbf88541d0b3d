/** How long to wait before the next attempt to reach the control plane: doubling, and spread so that a mesh does not return at once. */
import type { Random } from '../../core/runtime.ts';

const FIRST_MS = 100;
const MAX_MS = 10_000;

export class BackOff {
  readonly #random: Random;
  #bound = FIRST_MS;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Between half of the current bound and the bound. */
  nextMs(): number {
    const bound = this.#bound;
    this.#bound = Math.min(bound * 2, MAX_MS);
    return bound * (0.5 + this.#random.next() / 2);
  }

  reset(): void {
    this.#bound = FIRST_MS;
  }
}
