/**
 * The dynamic table of an encoder: what the peer's decoder holds, found by name and value. Flat arrays; an entry's bytes
 * are the line of the head that it came from, so that fields that follow each other there and here are compared at once.
 * Hashes only lead to an entry, bytes decide: values that collide on purpose gain nothing but a literal.
 */
import { copyBytes } from '../../../core/bytes.ts';
import { TOKEN } from '../../token.ts';
import { ENTRY_OVERHEAD } from './decoding-table.ts';

/** Slots of one entry in `#entries`. */
const WIDTH = 4;
const START = 0;
const NAME_LENGTH = 1;
const VALUE_LENGTH = 2;
const HASH = 3;

const BUCKETS = 256;
/** An attacker's collisions cost this many comparisons. */
const MAX_CHAIN = 8;
/** Between name and value of a line. */
const SEPARATOR = 2;
/** Below this, a loop beats the call. */
const LOOP_BYTES = 48;
const nativeCompare = Buffer.prototype.compare;
const NONE = Buffer.alloc(0);

export class EncodingTable {
  /** Entries that ever came, and that ever left; an entry's ordinal is `inserted` before it came. */
  inserted = 0;
  evicted = 0;
  size = 0;
  maxBytes: number;

  readonly #capacityBytes: number;
  #bytes: Buffer = NONE;
  #entries = new Int32Array(0);
  #buckets = new Float64Array(0);
  #older = new Float64Array(0);
  #mask = 0;
  #free = 0;

  constructor(capacityBytes: number, maxBytes: number) {
    this.#capacityBytes = capacityBytes;
    this.maxBytes = maxBytes;
  }

  resize(maxBytes: number): void {
    this.maxBytes = maxBytes;
    this.#evictTo(maxBytes);
  }

  /** The ordinal of the entry with this name, in any letter case, and value; -1 when there is none. `hash` is of both. */
  find(
    hash: number,
    names: Uint8Array,
    name: number,
    nameEnd: number,
    bytes: Uint8Array,
    value: number,
    valueEnd: number,
  ): number {
    if (this.size === 0) return -1;
    let ordinal = (this.#buckets[hash & (BUCKETS - 1)] as number) - 1;
    for (let i = 0; i < MAX_CHAIN && ordinal >= this.evicted; i++) {
      const slot = ordinal & this.#mask;
      const isHashed = this.#entries[slot * WIDTH + HASH] === hash;
      if (isHashed && this.isEntry(ordinal, names, name, nameEnd, bytes, value, valueEnd)) return ordinal;
      ordinal = (this.#older[slot] as number) - 1;
    }
    return -1;
  }

  /** Whether the entry, which is live, has this name, in any letter case, and value. */
  isEntry(
    ordinal: number,
    names: Uint8Array,
    name: number,
    nameEnd: number,
    bytes: Uint8Array,
    value: number,
    valueEnd: number,
  ): boolean {
    const at = (ordinal & this.#mask) * WIDTH;
    const entries = this.#entries;
    if (entries[at + VALUE_LENGTH] !== valueEnd - value) return false;
    const from = (entries[at + START] as number) + (entries[at + NAME_LENGTH] as number) + SEPARATOR;
    return this.isName(ordinal, names, name, nameEnd) && this.isAt(from, bytes, value, valueEnd);
  }

  isName(ordinal: number, names: Uint8Array, name: number, nameEnd: number): boolean {
    const at = (ordinal & this.#mask) * WIDTH;
    const own = this.#bytes;
    const length = nameEnd - name;
    if (this.#entries[at + NAME_LENGTH] !== length) return false;
    const from = this.#entries[at + START] as number;
    // The colon of a pseudo-header field is no token byte, and the only such byte that a name here can have.
    for (let i = 0; i < length; i++) {
      if (TOKEN[own[from + i] as number] !== TOKEN[names[name + i] as number]) return false;
    }
    return true;
  }

  /** Where the line of this entry begins, if the entry is live and its lengths are these; else -1. */
  lineOf(ordinal: number, nameLength: number, valueLength: number): number {
    if (ordinal < this.evicted) return -1;
    const at = (ordinal & this.#mask) * WIDTH;
    const entries = this.#entries;
    return entries[at + VALUE_LENGTH] === valueLength && entries[at + NAME_LENGTH] === nameLength
      ? (entries[at + START] as number)
      : -1;
  }

  /** Whether the table's bytes from `from` on are `bytes[start, end)`. */
  isAt(from: number, bytes: Uint8Array, start: number, end: number): boolean {
    const own = this.#bytes;
    const length = end - start;
    if (length > LOOP_BYTES) return nativeCompare.call(own, bytes, start, end, from, from + length) === 0;
    for (let i = 0; i < length; i++) if (own[from + i] !== bytes[start + i]) return false;
    return true;
  }

  /** Whether an entry of so many bytes of name and value may enter without emptying most of the table. */
  hasRoomFor(bytes: number): boolean {
    return (bytes + ENTRY_OVERHEAD) * 4 <= this.maxBytes;
  }

  /** Only after `hasRoomFor`. */
  insert(
    hash: number,
    names: Uint8Array,
    name: number,
    nameEnd: number,
    bytes: Uint8Array,
    value: number,
    valueEnd: number,
  ): void {
    const size = nameEnd - name + valueEnd - value + ENTRY_OVERHEAD;
    this.#evictTo(this.maxBytes - size);
    if (this.#entries.length === 0) this.#allocate();
    const own = this.#bytes;
    // As in the decoder's table: twice its size holds every entry in one piece.
    if (this.#free + size > own.length) this.#free = 0;
    const slot = this.inserted & this.#mask;
    const at = slot * WIDTH;
    const bucket = hash & (BUCKETS - 1);
    this.#entries[at] = this.#free;
    this.#entries[at + NAME_LENGTH] = nameEnd - name;
    this.#entries[at + VALUE_LENGTH] = valueEnd - value;
    this.#entries[at + HASH] = hash;
    this.#older[slot] = this.#buckets[bucket] as number;
    this.inserted++;
    this.#buckets[bucket] = this.inserted;
    let to = copyBytes(names, name, nameEnd, own, this.#free);
    own[to++] = 0x3a;
    own[to++] = 0x20;
    to = copyBytes(bytes, value, valueEnd, own, to);
    own[to++] = 0x0d;
    own[to++] = 0x0a;
    this.#free = to;
    this.size += size;
  }

  #evictTo(bytes: number): void {
    while (this.size > bytes && this.evicted < this.inserted) {
      const at = (this.evicted++ & this.#mask) * WIDTH;
      const entries = this.#entries;
      this.size -= (entries[at + NAME_LENGTH] as number) + (entries[at + VALUE_LENGTH] as number) + ENTRY_OVERHEAD;
    }
  }

  #allocate(): void {
    let slots = 1;
    while (slots * ENTRY_OVERHEAD <= this.#capacityBytes) slots *= 2;
    this.#mask = slots - 1;
    this.#bytes = Buffer.allocUnsafeSlow(this.#capacityBytes * 2);
    this.#entries = new Int32Array(slots * WIDTH);
    this.#older = new Float64Array(slots);
    this.#buckets = new Float64Array(BUCKETS);
  }
}
