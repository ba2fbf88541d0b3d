/** Real chance: a quick generator for balancing, the system's for everything that must not be guessed. */
import { randomFillSync } from 'node:crypto';
import type { Random } from '../../core/runtime.ts';

/** Trace and request ids take 8 to 16 bytes a request; one call for 4 KiB costs less than 256 calls. */
const POOL_BYTES = 4096;
const MAX_FROM_POOL = 64;

const pool = new Uint8Array(POOL_BYTES);
let poolUsed = POOL_BYTES;

/**
 * Small Fast Counting 32 (PractRand's sfc32), begun anywhere: integers only, so that a draw is inlined and allocates
 * nothing. The engine's own returns every number as an object of 16 bytes, several a request.
 */
const state = new Int32Array(4);
randomFillSync(state);

/** Uniform over 32 bits. */
function draw(): number {
  const a = state[0] as number; // in range, as the next ones
  const b = state[1] as number;
  const c = state[2] as number;
  const count = state[3] as number;
  const sum = (((a + b) | 0) + count) | 0;
  state[0] = b ^ (b >>> 9);
  state[1] = (c + (c << 3)) | 0;
  state[2] = (((c << 21) | (c >>> 11)) + sum) | 0;
  state[3] = (count + 1) | 0;
  return sum >>> 0;
}

export const nodeRandom: Random = {
  next: () => draw() / 2 ** 32,
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
