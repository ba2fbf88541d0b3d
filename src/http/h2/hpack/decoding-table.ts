/**
 * The dynamic table of a decoder (RFC 7541 section 2.3.2) in flat arrays. An entry's bytes lie as a head holds
 * them (`name: value` CR LF), and what the checks of its field said lies beside them, so that an indexed field costs one
 * copy and no second look. Nothing is allocated before the peer inserts its first entry.
 */
import { copyBytes } from '../../../core/bytes.ts';

/** Slots of one entry in `entries`, from `slot * ENTRY_WIDTH`. */
export const ENTRY_WIDTH = 8;
export const LINE_START = 0;
/** As the head holds it: 0 for pseudo-header fields, whose line is the value alone; `:authority` is kept as `host`. */
export const NAME_LENGTH = 1;
export const VALUE_LENGTH = 2;
/** By RFC 7541 section 4.1. */
export const SIZE = 3;
export const HASH = 4;
export const FIELD_FLAGS = 5;
export const KIND_OF = 6;
/** 0, or why a head with this field is malformed. */
export const REFUSAL = 7;

export const ENTRY_OVERHEAD = 32;

const NONE = Buffer.alloc(0);

export class DecodingTable {
  lines: Uint8Array = NONE;
  entries = new Int32Array(0);
  /** Entries that ever came, and that ever left. */
  inserted = 0;
  evicted = 0;
  size = 0;
  maxBytes: number;
  /** The slot of an entry is its ordinal (how many came before it) under this. */
  mask = 0;

  readonly #capacityBytes: number;
  #free = 0;

  /** `capacityBytes` bounds whatever `resize` is asked for. */
  constructor(capacityBytes: number, maxBytes: number) {
    this.#capacityBytes = capacityBytes;
    this.maxBytes = maxBytes;
  }

  /** The slot of the entry at this place, 0 for the newest; -1 when there is none. */
  slotOf(place: number): number {
    const ordinal = this.inserted - 1 - place;
    return ordinal < this.evicted ? -1 : ordinal & this.mask;
  }

  resize(maxBytes: number): void {
    this.maxBytes = maxBytes;
    this.#evictTo(maxBytes);
  }

  /** Copies `bytes[lineStart, lineEnd)`. An entry larger than the table empties it (RFC 7541 section 4.4). */
  insert(
    bytes: Uint8Array,
    lineStart: number,
    lineEnd: number,
    nameLength: number,
    valueLength: number,
    size: number,
    hash: number,
    flags: number,
    kind: number,
    refusal: number,
  ): void {
    this.#evictTo(this.maxBytes - size);
    if (size > this.maxBytes) return;
    if (this.entries.length === 0) this.#allocate();
    const length = lineEnd - lineStart;
    // Twice the table's size holds every entry in one piece: what lives when the end is reached fits behind it.
    if (this.#free + length > this.lines.length) this.#free = 0;
    const slot = this.inserted & this.mask;
    const at = slot * ENTRY_WIDTH;
    const { entries } = this;
    entries[at] = this.#free;
    entries[at + NAME_LENGTH] = nameLength;
    entries[at + VALUE_LENGTH] = valueLength;
    entries[at + SIZE] = size;
    entries[at + HASH] = hash;
    entries[at + FIELD_FLAGS] = flags;
    entries[at + KIND_OF] = kind;
    entries[at + REFUSAL] = refusal;
    this.#free = copyBytes(bytes, lineStart, lineEnd, this.lines, this.#free);
    this.size += size;
    this.inserted++;
  }

  #evictTo(bytes: number): void {
    while (this.size > bytes && this.evicted < this.inserted) {
      this.size -= this.entries[(this.evicted & this.mask) * ENTRY_WIDTH + SIZE] as number;
      this.evicted++;
    }
  }

  #allocate(): void {
    let slots = 1;
    while (slots * ENTRY_OVERHEAD <= this.#capacityBytes) slots *= 2;
    this.mask = slots - 1;
    this.lines = Buffer.allocUnsafeSlow(this.#capacityBytes * 2);
    this.entries = new Int32Array(slots * ENTRY_WIDTH);
  }
}
