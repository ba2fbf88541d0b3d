/**
 * The dynamic table of a decoder (RFC 7541 section 2.3.2) in flat arrays. An entry's bytes lie as a head holds
 * them (`name: value` CR LF), and what the checks of its field said lies beside them, so that an indexed field costs one
 * copy and no second look. Nothing is allocated before the peer inserts its first entry.
 */
import { copyBytes, viewOf } from '../../../core/bytes.ts';
import { FLAGS, NAME_END, NAME_HASH, VALUE_END, VALUE_START } from '../../head.ts';

/**
 * Slots of one entry in `entries`, from `slot * ENTRY_WIDTH`. The first are those of its field in a head, as ranges of
 * `lines`: NAME_START to FLAGS. A pseudo-header field has no name, its line is the value alone; `:authority` is kept as
 * `host`.
 */
export const ENTRY_WIDTH = 10;
/** By RFC 7541 section 4.1. */
export const SIZE = 6;
export const KIND_OF = 7;
/** 0, or why a head with this field is malformed. */
export const REFUSAL = 8;
/**
 * How many entries up to this one came one after the other and lie so in `entries` and `lines`; regular fields without
 * a fault only, 0 for others. So many can be read as one.
 */
export const CHAIN = 9;

export const ENTRY_OVERHEAD = 32;

const NONE = Buffer.alloc(0);
const NO_VIEW = viewOf(NONE);

export class DecodingTable {
  lines: Uint8Array = NONE;
  /** Of `lines`. */
  view = NO_VIEW;
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
    const valueStart = nameLength === 0 ? this.#free : this.#free + nameLength + 2;
    entries[at] = this.#free;
    entries[at + NAME_END] = this.#free + nameLength;
    entries[at + VALUE_START] = valueStart;
    entries[at + VALUE_END] = valueStart + valueLength;
    entries[at + NAME_HASH] = hash;
    entries[at + FLAGS] = flags;
    entries[at + SIZE] = size;
    entries[at + KIND_OF] = kind;
    entries[at + REFUSAL] = refusal;
    entries[at + CHAIN] = (kind | refusal) === 0 ? this.#chainAt(slot) : 0;
    this.#free = copyBytes(bytes, lineStart, lineEnd, this.lines, this.#free);
    this.size += size;
    this.inserted++;
  }

  /** CHAIN of the entry in this slot, whose line begins at `#free`. */
  #chainAt(slot: number): number {
    if (slot === 0) return 1;
    const before = (slot - 1) * ENTRY_WIDTH;
    const chain = this.entries[before + CHAIN] as number;
    return chain > 0 && (this.entries[before + VALUE_END] as number) + 2 === this.#free ? chain + 1 : 1;
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
    this.view = viewOf(this.lines);
    this.entries = new Int32Array(slots * ENTRY_WIDTH);
  }
}
