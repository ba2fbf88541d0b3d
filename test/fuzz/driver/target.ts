/** What the driver needs of something to fuzz. A new one is a file in `targets/` that exports `target`, and seeds in `corpus/`. */
import type { Rng } from './rng.ts';

export interface FuzzTarget {
  /** Pieces that the format is made of (latin1), put in whole. */
  readonly dictionary: readonly string[];
  /** Sources of which every newly reached block makes an input worth keeping. */
  readonly covers: RegExp;
  /** A message by the grammar (latin1), for the mutators to damage. */
  generate(random: Rng): string;
  /**
   * Throws when a promise is broken. What it returns names what happened, in a few words: an input with a new answer is
   * kept, so that states which share their code are told apart.
   */
  run(input: Uint8Array, random: Rng): string;
}
