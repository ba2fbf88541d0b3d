/**
 * The streams of one connection by id. A Map that churns keeps finished streams alive through its discarded tables, so
 * the streams lie in an array at their id, wrapped around; where a long-lived stream holds the place of a new one, the
 * array grows.
 */

interface Numbered {
  readonly id: number;
}

const FIRST_SIZE = 16;

export class StreamTable<S extends Numbered> {
  #slots: (S | null)[] = new Array<S | null>(FIRST_SIZE).fill(null);
  #mask = FIRST_SIZE - 1;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: number): S | null {
    const mask = this.#mask;
    for (let at = (id >>> 1) & mask; ; at = (at + 1) & mask) {
      const stream = this.#slots[at] as S | null; // masked: in range
      if (stream === null || stream.id === id) return stream;
    }
  }

  /** The id is not in the table. */
  add(stream: S): void {
    // At most half full, so that a search ends soon.
    if (++this.#size * 2 > this.#slots.length) this.#grow();
    this.#put(stream);
  }

  /** Harmless for one that is not there. */
  remove(stream: Numbered): void {
    const mask = this.#mask;
    let hole = (stream.id >>> 1) & mask;
    while (this.#slots[hole] !== stream) {
      if (this.#slots[hole] === null) return;
      hole = (hole + 1) & mask;
    }
    this.#size--;
    // Those behind the hole move up, so that a search need not know of removals.
    for (let at = (hole + 1) & mask; ; at = (at + 1) & mask) {
      const next = this.#slots[at] as S | null;
      if (next === null) break;
      const home = (next.id >>> 1) & mask;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      this.#slots[hole] = next;
      hole = at;
    }
    this.#slots[hole] = null;
  }

  /** A copy, in order of ids: for what happens to all streams, and may change the table. */
  list(): S[] {
    const streams: S[] = [];
    for (const stream of this.#slots) if (stream !== null) streams.push(stream);
    return streams.sort((a, b) => a.id - b.id);
  }

  #put(stream: S): void {
    const mask = this.#mask;
    let at = (stream.id >>> 1) & mask;
    while (this.#slots[at] !== null) at = (at + 1) & mask;
    this.#slots[at] = stream;
  }

  #grow(): void {
    const before = this.#slots;
    this.#slots = new Array<S | null>(before.length * 2).fill(null);
    this.#mask = this.#slots.length - 1;
    for (const stream of before) if (stream !== null) this.#put(stream);
  }
}
