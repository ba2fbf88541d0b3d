/**
 * A hash of bytes that is the same in every process and every release: consistent hashing places requests and hosts by
 * it, so two proxies must agree. Not for secrets and no defence against chosen collisions.
 */

const C1 = 0xcc9e2d51 | 0;
const C2 = 0x1b873593;

/** MurmurHash3 x86_32 of `bytes[start, end)`, as an unsigned 32-bit number. */
export function hash32(bytes: Uint8Array, start: number, end: number, seed = 0): number {
  let hash = seed | 0;
  const whole = start + ((end - start) & ~3);
  let at = start;
  for (; at < whole; at += 4) {
    const word =
      (bytes[at] as number) | // in range: below `whole` are four at a time
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    hash ^= scramble(word);
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let last = end - 1; last >= at; last--) tail = (tail << 8) | (bytes[last] as number);
  if (at < end) hash ^= scramble(tail);
  return finish(hash ^ (end - start));
}

/** Of a number that is hashed already, for a second, independent place: each bit of the result depends on all of `hash`. */
export function rehash32(hash: number, seed: number): number {
  return finish((hash | 0) ^ Math.imul(seed + 1, 0x9e3779b1));
}

function scramble(word: number): number {
  const product = Math.imul(word, C1);
  return Math.imul((product << 15) | (product >>> 17), C2);
}

function finish(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
