/**
 * The dynamic table of an encoder: what the peer's decoder holds, found by name and value. Flat arrays; an entry's bytes
 * are its name and its value, one after the other. Hashes only lead to an entry, bytes decide, so values that collide
 * on purpose gain nothing but a literal.
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
const NONE = Buffer.alloc(0);

export class EncodingTable {
  /** Entries that ever came, and that ever left; an entry's ordinal is `inserted` before it came. */
  inserted = 0;
  evicted = 0;
  size = 0;
  maxBytes: number;

  readonly #capacityBytes: number;
  #bytes: Uint8Array = NONE;
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
    const own = this.#bytes;
    const length = valueEnd - value;
    if (entries[at + VALUE_LENGTH] !== length || !this.isName(ordinal, names, name, nameEnd)) return false;
    const from = (entries[at + START] as number) + (entries[at + NAME_LENGTH] as number);
    for (let i = 0; i < length; i++) if (own[from + i] !== bytes[value + i]) return false;
    return true;
  }

  isName(ordinal: number, names: Uint8Array, name: number, nameEnd: number): boolean {
    const at = (ordinal & this.#mask) * WIDTH;
    const own = this.#bytes;
    const length = nameEnd - name;
    if (this.#entries[at + NAME_LENGTH] !== length) return false;
    const from = this.#entries[at + START] as number;
    for (let i = 0; i < length; i++) if (own[from + i] !== lower(names[name + i] as number)) return false;
    return true;
  }

  /** Whether an entry of so many bytes of name and value may enter without emptying most of the table. */
  hasRoomFor(bytes: number): boolean {
    return (bytes + ENTRY_OVERHEAD) * 4 <= this.maxBytes;
  }

  /** Only after `hasRoomFor`. The name is kept in lower case. */
  insert(
    hash: number,
    names: Uint8Array,
    name: number,
    nameEnd: number,
    bytes: Uint8Array,
    value: number,
    valueEnd: number,
  ): void {
    const length = nameEnd - name + valueEnd - value;
    this.#evictTo(this.maxBytes - length - ENTRY_OVERHEAD);
    if (this.#entries.length === 0) this.#allocate();
    // As in the decoder's table: twice its size holds every entry in one piece.
    if (this.#free + length > this.#bytes.length) this.#free = 0;
    const slot = this.inserted & this.#mask;
    const at = slot * WIDTH;
    const bucket = hash & (BUCKETS - 1);
    const own = this.#bytes;
    this.#entries[at] = this.#free;
    this.#entries[at + NAME_LENGTH] = nameEnd - name;
    this.#entries[at + VALUE_LENGTH] = valueEnd - value;
    this.#entries[at + HASH] = hash;
    this.#older[slot] = this.#buckets[bucket] as number;
    this.inserted++;
    this.#buckets[bucket] = this.inserted;
    for (let i = name; i < nameEnd; i++) own[this.#free++] = lower(names[i] as number);
    this.#free = copyBytes(bytes, value, valueEnd, own, this.#free);
    this.size += length + ENTRY_OVERHEAD;
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

/** Of name bytes, a pseudo-header field's colon included. */
function lower(byte: number): number {
  return byte === 0x3a ? byte : (TOKEN[byte] as number);
}
