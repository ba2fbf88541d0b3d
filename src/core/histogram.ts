/**
 * A log-linear histogram of durations: fixed memory, no allocation to record, a relative error of at most 1/64 for a
 * quantile. One per series of latencies; telemetry turns it into Prometheus buckets.
 */

/** Each power of two is cut in 32: with the middle of a bucket as its value the error is at most 1/64. */
const SUB_BITS = 5;
const SUB = 1 << SUB_BITS;
const BUCKETS = (32 - SUB_BITS + 1) * SUB;
/** Microseconds; about 71 minutes. Longer durations count as this long. */
const MAX_US = 0xffff_ffff;

export class Histogram {
  readonly #buckets = new Uint32Array(BUCKETS);
  #count = 0;
  #sumMs = 0;
  #maxMs = 0;

  get count(): number {
    return this.#count;
  }

  get sumMs(): number {
    return this.#sumMs;
  }

  get maxMs(): number {
    return this.#maxMs;
  }

  /** Resolution 1 µs. Negative and NaN count as zero, so that a clock error cannot break a metric. */
  record(durationMs: number): void {
    const ms = durationMs > 0 ? durationMs : 0;
    const index = bucketOf(Math.min(Math.round(ms * 1000), MAX_US));
    this.#buckets[index] = (this.#buckets[index] ?? 0) + 1;
    this.#count++;
    this.#sumMs += ms;
    if (ms > this.#maxMs) this.#maxMs = ms;
  }

  /** The duration below which a share `q` in [0, 1] of the records lies, in ms; 0 when nothing was recorded. */
  quantile(q: number): number {
    if (this.#count === 0) return 0;
    const rank = Math.max(1, Math.ceil(q * this.#count));
    let seen = 0;
    for (let index = 0; index < BUCKETS; index++) {
      seen += this.#buckets[index] ?? 0;
      if (seen >= rank) return Math.min(middleOf(index) / 1000, this.#maxMs);
    }
    return this.#maxMs;
  }

  /** How many records are at most this long, to the precision of a bucket: for cumulative Prometheus buckets. */
  countAtMost(boundMs: number): number {
    const last = bucketOf(Math.min(Math.round(boundMs * 1000), MAX_US));
    let seen = 0;
    for (let index = 0; index <= last; index++) seen += this.#buckets[index] ?? 0;
    return seen;
  }

  merge(other: Histogram): void {
    for (let index = 0; index < BUCKETS; index++) {
      this.#buckets[index] = (this.#buckets[index] ?? 0) + (other.#buckets[index] ?? 0);
    }
    this.#count += other.#count;
    this.#sumMs += other.#sumMs;
    this.#maxMs = Math.max(this.#maxMs, other.#maxMs);
  }

  reset(): void {
    this.#buckets.fill(0);
    this.#count = 0;
    this.#sumMs = 0;
    this.#maxMs = 0;
  }
}

function bucketOf(us: number): number {
  if (us < SUB) return us;
  const exponent = 31 - Math.clz32(us);
  return (exponent - SUB_BITS + 1) * SUB + ((us >>> (exponent - SUB_BITS)) & (SUB - 1));
}

function middleOf(index: number): number {
  if (index < SUB) return index;
  const shift = Math.floor(index / SUB) - 1;
  const low = (SUB + (index % SUB)) * 2 ** shift;
  return low + (2 ** shift - 1) / 2;
}
