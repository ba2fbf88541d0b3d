/** Real chance: the engine's generator for balancing, the system's for everything that must not be guessed. */
import { randomFillSync } from 'node:crypto';
import type { Random } from '../../core/runtime.ts';

/** Trace and request ids take 8 to 16 bytes a request; one call for 4 KiB costs less than 256 calls. */
const POOL_BYTES = 4096;
const MAX_FROM_POOL = 64;

const pool = new Uint8Array(POOL_BYTES);
let poolUsed = POOL_BYTES;

export const nodeRandom: Random = {
  next: () => Math.random(),
  fill(bytes) {
    const length = bytes.length;
    if (length > MAX_FROM_POOL) {
      randomFillSync(bytes);
      return;
    }
    if (poolUsed + length > POOL_BYTES) {
      randomFillSync(pool);
      poolUsed = 0;
    }
    for (let i = 0; i < length; i++) {
      const at = poolUsed++;
      bytes[i] = pool[at] as number;
      // Handed out once and wiped: what is left in memory predicts nothing.
      pool[at] = 0;
    }
  },
};
