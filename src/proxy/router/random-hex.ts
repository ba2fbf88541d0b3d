/** Random identifiers as hexadecimal digits, written in place: the generator is asked for 4 KiB at a time. */
import type { Random } from '../../core/runtime.ts';

const POOL_BYTES = 4_096;
const HEX = Buffer.from('0123456789abcdef', 'latin1');

export class RandomHex {
  readonly #random: Random;
  readonly #pool = new Uint8Array(POOL_BYTES);
  #at = POOL_BYTES;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Takes `count` bytes (far fewer than the pool has) and returns their offset in `bytes`, good until the next call. */
  take(count: number): number {
    if (this.#at + count > POOL_BYTES) {
      this.#random.fill(this.#pool);
      this.#at = 0;
    }
    const from = this.#at;
    this.#at += count;
    return from;
  }

  get bytes(): Uint8Array {
    return this.#pool;
  }

  /** Writes `count` random bytes as twice as many digits; never all zero. Returns the offset behind them. */
  put(out: Uint8Array, at: number, count: number): number {
    const pool = this.#pool;
    const from = this.take(count);
    let any = 0;
    for (let i = from; i < from + count; i++) any |= pool[i] as number; // within the pool: see take
    if (any === 0) pool[from] = 1;
    return this.putBytes(out, at, from, count);
  }

  /** As `put`, of bytes that `take` gave. */
  putBytes(out: Uint8Array, at: number, from: number, count: number): number {
    const pool = this.#pool;
    let p = at;
    for (let i = from; i < from + count; i++) {
      const byte = pool[i] as number; // within the pool: see take
      out[p++] = HEX[byte >> 4] as number;
      out[p++] = HEX[byte & 15] as number;
    }
    return p;
  }
}
