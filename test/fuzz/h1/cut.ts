/** Inputs cut into reads as a network does it. */
import type { Rng } from '../driver/rng.ts';

export function cutAtRandom(input: Buffer, random: Rng): Buffer[] {
  const reads: Buffer[] = [];
  for (let at = 0; at < input.length; ) {
    const size = random.oneIn(3) ? 1 : 1 + random.below(random.oneIn(2) ? 8 : 200);
    reads.push(input.subarray(at, at + size));
    at += size;
  }
  return reads;
}

export function singleBytes(input: Buffer): Buffer[] {
  return Array.from(input, (byte) => Buffer.of(byte));
}
