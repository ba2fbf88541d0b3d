/**
 * The dynamic table of an encoder: what the peer's decoder holds, found by name and value. Flat arrays; an entry's bytes
 * are the line of the head that it came from, so that fields that follow each other there and here are compared at once.
 * Hashes only lead to an entry, bytes decide: values that collide on purpose gain nothing but a literal.
 */
import { copyBytes, EMPTY_BYTES, viewOf } from '../../../core/bytes.ts';
import { equalBytes, isEqual } from '../../../core/words.ts';
import type { Head } from '../../head.ts';
import { TOKEN } from '../../token.ts';
import { ENTRY_OVERHEAD } from './decoding-table.ts';

/** Slots of one entry in `#entries`. */
const WIDTH = 8;
const START = 0;
const NAME_LENGTH = 1;
const VALUE_LENGTH = 2;
const HASH = 3;
/** Entries from this one on that last came side by side in a head, this one included, and the bytes of their lines. */
const RUN_FIELDS = 4;
const RUN_BYTES = 5;
/** How often the run may not grow yet. */
const RUN_PATIENCE = 6;
/** Index of the name in the static table, or 0. */
const STATIC_NAME = 7;

/** Ordinals stay small integers: after so many insertions a connection goes on with the table that it has. */
const MAX_ORDINAL = 1 << 30;
const BUCKETS = 256;
/** An attacker's collisions cost this many comparisons. */
const MAX_CHAIN = 8;
/** After a run was cut: heads of two shapes in turn would else let it grow and be cut for ever. */
const PATIENCE = 16;
/** Between name and value of a line. */
const SEPARATOR = 2;
/** `: ` and CR LF. */
const LINE_OVERHEAD = 4;
/** Above this, the call into the engine's comparison beats a loop over words. */
const LOOP_BYTES = 240;
const nativeCompare = Buffer.prototype.compare;
const NO_VIEW = viewOf(EMPTY_BYTES);

export class EncodingTable {
  /** Entries that ever came, and that ever left; an entry's ordinal is `inserted` before it came. */
  inserted = 0;
  evicted = 0;
  size = 0;
  maxBytes: number;

  readonly #capacityBytes: number;
  #bytes: Uint8Array = EMPTY_BYTES;
  #view = NO_VIEW;
  #entries = new Int32Array(0);
  /** By hash of name and value, 1 + the ordinal of the newest entry; by slot, that of the next older one. */
  #buckets = new Int32Array(0);
  #older = new Int32Array(0);
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

  /**
   * The ordinal of the entry with this name, in any letter case, and value; -1 when there is none. `hash` is of both.
   * `staticName` is the name's index in the static table, which says which it is; 0 or -1: it has none or it is not known.
   */
  find(
    hash: number,
    staticName: number,
    names: DataView,
    name: number,
    nameEnd: number,
    values: DataView,
    value: number,
    valueEnd: number,
  ): number {
    if (this.size === 0) return -1;
    let ordinal = (this.#buckets[hash & (BUCKETS - 1)] as number) - 1;
    for (let i = 0; i < MAX_CHAIN && ordinal >= this.evicted; i++) {
      const slot = ordinal & this.#mask;
      const isHashed = this.#entries[slot * WIDTH + HASH] === hash;
      if (isHashed && this.isEntry(ordinal, staticName, names, name, nameEnd, values, value, valueEnd)) return ordinal;
      ordinal = (this.#older[slot] as number) - 1;
    }
    return -1;
  }

  /** Whether the entry, which is live, has this name, in any letter case, and value. */
  isEntry(
    ordinal: number,
    staticName: number,
    names: DataView,
    name: number,
    nameEnd: number,
    values: DataView,
    value: number,
    valueEnd: number,
  ): boolean {
    const at = (ordinal & this.#mask) * WIDTH;
    const entries = this.#entries;
    if (entries[at + VALUE_LENGTH] !== valueEnd - value) return false;
    const from = (entries[at + START] as number) + (entries[at + NAME_LENGTH] as number) + SEPARATOR;
    if (!isEqual(this.#view, from, values, value, valueEnd - value)) return false;
    return staticName > 0 ? entries[at + STATIC_NAME] === staticName : this.isName(ordinal, names, name, nameEnd);
  }

  isName(ordinal: number, names: DataView, name: number, nameEnd: number): boolean {
    const at = (ordinal & this.#mask) * WIDTH;
    const own = this.#bytes;
    const length = nameEnd - name;
    if (this.#entries[at + NAME_LENGTH] !== length) return false;
    const from = this.#entries[at + START] as number;
    if (isEqual(this.#view, from, names, name, length)) return true;
    // The colon of a pseudo-header field is no token byte, and the only such byte that a name here can have.
    for (let i = 0; i < length; i++) {
      if (TOKEN[own[from + i] as number] !== TOKEN[names.getUint8(name + i)]) return false;
    }
    return true;
  }

  /** Where the line of this entry begins. */
  lineStart(ordinal: number): number {
    return this.#entries[(ordinal & this.#mask) * WIDTH + START] as number;
  }

  runFields(ordinal: number): number {
    return this.#entries[(ordinal & this.#mask) * WIDTH + RUN_FIELDS] as number;
  }

  runBytes(ordinal: number): number {
    return this.#entries[(ordinal & this.#mask) * WIDTH + RUN_BYTES] as number;
  }

  /** What begins with this entry came longer than it was known to. */
  growRun(ordinal: number, fields: number, bytes: number): void {
    const at = (ordinal & this.#mask) * WIDTH;
    const patience = this.#entries[at + RUN_PATIENCE] as number;
    if (patience > 0) {
      this.#entries[at + RUN_PATIENCE] = patience - 1;
      return;
    }
    this.#entries[at + RUN_FIELDS] = fields;
    this.#entries[at + RUN_BYTES] = bytes;
  }

  /** What begins with this entry came shorter. */
  cutRun(ordinal: number, fields: number, bytes: number): void {
    const at = (ordinal & this.#mask) * WIDTH;
    this.#entries[at + RUN_FIELDS] = fields;
    this.#entries[at + RUN_BYTES] = bytes;
    this.#entries[at + RUN_PATIENCE] = PATIENCE;
  }

  /** Whether the `length` bytes of lines from this entry on are those of the head from `start` on. */
  isRunAt(ordinal: number, head: Head, start: number, length: number): boolean {
    const from = this.lineStart(ordinal);
    if (length <= LOOP_BYTES) return isEqual(this.#view, from, head.view, start, length);
    return nativeCompare.call(this.#bytes, head.bytes, start, start + length, from, from + length) === 0;
  }

  /** How many of these bytes are. */
  equalBytes(ordinal: number, head: Head, start: number, length: number): number {
    return equalBytes(this.#view, this.lineStart(ordinal), head.view, start, length);
  }

  /** Whether an entry of so many bytes of name and value may enter without emptying most of the table. */
  hasRoomFor(bytes: number): boolean {
    return (bytes + ENTRY_OVERHEAD) * 4 <= this.maxBytes && this.inserted < MAX_ORDINAL;
  }

  /** Only after `hasRoomFor`. */
  insert(
    hash: number,
    staticName: number,
    names: DataView,
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
    this.#entries[at + RUN_FIELDS] = 1;
    this.#entries[at + RUN_BYTES] = nameEnd - name + valueEnd - value + LINE_OVERHEAD;
    this.#entries[at + RUN_PATIENCE] = 0;
    this.#older[slot] = this.#buckets[bucket] as number;
    this.inserted++;
    this.#buckets[bucket] = this.inserted;
    this.#entries[at + STATIC_NAME] = staticName;
    let to = this.#free;
    for (let i = name; i < nameEnd; i++) own[to++] = names.getUint8(i);
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
    this.#view = viewOf(this.#bytes);
    this.#entries = new Int32Array(slots * WIDTH);
    this.#older = new Int32Array(slots);
    this.#buckets = new Int32Array(BUCKETS);
  }
}
