/**
 * The short way for the fields that nearly every block consists of: regular ones out of the dynamic table, method, scheme
 * and status out of the static one, short literals with an indexed name. Whatever is unusual about a field (its
 * length, a bound that it meets, a fault) is left to the decoder's general way, before anything has changed.
 */
import { copyBytes } from '../../../core/bytes.ts';
import { copyShort, printableEnd } from '../../../core/words.ts';
import {
  FIELD_WIDTH,
  FLAGS,
  type Head,
  NAME_END,
  NAME_HASH,
  NEVER_INDEXED,
  VALUE_END,
  VALUE_START,
} from '../../head.ts';
import { BlockReader } from './block-reader.ts';
import { isBlank, visibleEnd } from './check-value.ts';
import { CHAIN, type DecodingTable, ENTRY_OVERHEAD, ENTRY_WIDTH, KIND_OF, REFUSAL, SIZE } from './decoding-table.ts';
import { KIND, type Kind } from './field-kind.ts';
import { decodeHuffman, maxDecodedBytes } from './huffman-decode.ts';
import { refusalOfName } from './known-flags.ts';
import { setPseudo } from './pseudo-fields.ts';
import { FIRST_DYNAMIC, LAST_PSEUDO, STATIC_ENTRIES, STATIC_VIEW } from './static-table.ts';

/** The first byte of an index of the dynamic table in one byte, and how many there are. */
const FIRST_REPEATED = 0x80 | FIRST_DYNAMIC;
const REPEATED = 0xff - FIRST_REPEATED;
/** CR LF, and `: ` with it. */
const LINE_END = 2;
const LINE_OVERHEAD = 4;
/** What of FLAGS goes into `Head.known`. */
export const KNOWN_BITS = NEVER_INDEXED - 1;
/** Up to here a loop over words beats the call of a copy. */
export const SHORT_BYTES = 64;
const STRING_MASK = 0x7f;
const SLASH = 0x2f;
const PATH_BYTES = ':path'.length;

export abstract class UsualFields extends BlockReader {
  protected readonly table: DecodingTable;
  protected readonly maxListBytes: number;
  protected readonly maxFields: number;

  /** Of the block that is being read: the first thing that is wrong, or 0. */
  protected refusal = 0;
  protected listBytes = 0;
  /** A bit for each kind that came. */
  protected seen = 0;
  /** Known bits of regular fields that came more than once. */
  protected twice = 0;
  protected seenRegular = false;

  constructor(table: DecodingTable, maxListBytes: number, maxFields: number) {
    super();
    this.table = table;
    this.maxListBytes = maxListBytes;
    this.maxFields = maxFields;
  }

  /**
   * Regular fields without a fault, indexed in one byte each: as many as came one after the other into the table, where
   * they lie side by side, so that a head that comes again is one copy and its offsets are one loop. False: not even one.
   */
  protected repeated(head: Head): boolean {
    const { table, block } = this;
    const { entries } = table;
    const { fields, bytes } = head;
    const first = block[this.pos] as number;
    const place = first - FIRST_REPEATED;
    if (place >= table.inserted - table.evicted || place >= REPEATED || this.refusal !== 0) return false;
    const slot = (table.inserted - 1 - place) & table.mask;
    const most = Math.min(this.end - this.pos, this.maxFields - head.count, place + 1, table.mask + 1 - slot);
    if (most < 1) return false;
    let length = 1;
    while (length < most && block[this.pos + length] === first - length) length++;
    const entry = slot * ENTRY_WIDTH;
    while (length > 0 && (entries[entry + (length - 1) * ENTRY_WIDTH + CHAIN] as number) < length) length--;
    if (length === 0) return this.#repeatedPseudo(head, entry);
    const from = entries[entry] as number;
    const lineEnd = (entries[entry + (length - 1) * ENTRY_WIDTH + VALUE_END] as number) + LINE_END;
    const by = this.at - from;
    const listBytes = this.listBytes + lineEnd - from + length * (ENTRY_OVERHEAD - LINE_OVERHEAD);
    const fieldsEnd = (head.count + length) * FIELD_WIDTH;
    if (listBytes > this.maxListBytes || lineEnd + by > bytes.length || fieldsEnd > fields.length) return false;
    if (lineEnd - from > SHORT_BYTES) copyBytes(table.lines, from, lineEnd, bytes, this.at);
    else copyShort(table.view, from, head.view, this.at, lineEnd - from);
    let known = head.known;
    let twice = 0;
    for (let to = head.count * FIELD_WIDTH, at = entry; to < fieldsEnd; to += FIELD_WIDTH, at += ENTRY_WIDTH) {
      const flags = entries[at + FLAGS] as number;
      fields[to] = (entries[at] as number) + by;
      fields[to + NAME_END] = (entries[at + NAME_END] as number) + by;
      fields[to + VALUE_START] = (entries[at + VALUE_START] as number) + by;
      fields[to + VALUE_END] = (entries[at + VALUE_END] as number) + by;
      fields[to + NAME_HASH] = entries[at + NAME_HASH] as number;
      fields[to + FLAGS] = flags;
      twice |= known & flags;
      known |= flags;
    }
    head.count += length;
    head.known = known;
    this.twice |= twice;
    this.pos += length;
    this.at = lineEnd + by;
    this.listBytes = listBytes;
    this.seenRegular = true;
    return true;
  }

  /** Path and authority, indexed in one byte. */
  #repeatedPseudo(head: Head, entry: number): boolean {
    const { entries, view } = this.table;
    const { fields } = head;
    const kind = entries[entry + KIND_OF] as Kind;
    const from = entries[entry] as number;
    const valueEnd = entries[entry + VALUE_END] as number;
    const isPath = kind === KIND.path;
    const lineEnd = isPath ? valueEnd : valueEnd + LINE_END;
    const listBytes = this.listBytes + (entries[entry + SIZE] as number);
    const to = this.at;
    const field = head.count * FIELD_WIDTH;
    if (this.seenRegular || (this.seen & (1 << kind)) !== 0 || entries[entry + REFUSAL] !== 0) return false;
    if (listBytes > this.maxListBytes || to + lineEnd - from > head.bytes.length || lineEnd - from > SHORT_BYTES)
      return false;
    if (isPath) {
      head.pathStart = to;
      head.pathEnd = to + lineEnd - from;
    } else if (kind === KIND.authority && field + FIELD_WIDTH <= fields.length) {
      const by = to - from;
      fields[field] = to;
      fields[field + NAME_END] = (entries[entry + NAME_END] as number) + by;
      fields[field + VALUE_START] = head.authorityStart = (entries[entry + VALUE_START] as number) + by;
      fields[field + VALUE_END] = head.authorityEnd = valueEnd + by;
      fields[field + NAME_HASH] = entries[entry + NAME_HASH] as number;
      fields[field + FLAGS] = entries[entry + FLAGS] as number;
      head.count++;
    } else return false;
    copyShort(view, from, head.view, to, lineEnd - from);
    this.seen |= 1 << kind;
    this.listBytes = listBytes;
    this.at = to + lineEnd - from;
    this.pos++;
    return true;
  }

  /** A pseudo-header field whose value is the static table's too. */
  protected staticPseudo(head: Head, index: number): boolean {
    if (index === 0 || index > LAST_PSEUDO || this.seenRegular) return false;
    const entry = index * ENTRY_WIDTH;
    const kind = STATIC_ENTRIES[entry + KIND_OF] as Kind;
    const listBytes = this.listBytes + (STATIC_ENTRIES[entry + SIZE] as number);
    const from = STATIC_ENTRIES[entry] as number;
    const length = (STATIC_ENTRIES[entry + VALUE_END] as number) - from;
    const start = this.at;
    const end = start + length;
    const unusual = (STATIC_ENTRIES[entry + REFUSAL] as number) | this.refusal | (this.seen & (1 << kind));
    if (unusual !== 0 || listBytes > this.maxListBytes || end > head.bytes.length) return false;
    copyShort(STATIC_VIEW, from, head.view, start, length);
    setPseudo(head, kind, start, end);
    this.seen |= 1 << kind;
    this.listBytes = listBytes;
    this.at = end;
    this.pos++;
    return true;
  }

  /**
   * A path or a regular field whose name has an index, which is below `mask` or follows in one byte. `isKept`: it
   * enters the table; `never`: its NEVER_INDEXED.
   */
  protected shortLiteral(head: Head, mask: number, isKept: boolean, never: number): boolean {
    const { block, table, at } = this;
    const { bytes, fields } = head;
    let pos = this.pos;
    let index = (block[pos++] as number) & mask;
    if (index === mask && pos < this.end) index += block[pos++] as number;
    // A byte of 0x80 or more says that the index goes on.
    if (index >= mask + 0x80 || index === 0 || pos >= this.end || this.refusal !== 0) return false;
    const string = block[pos++] as number;
    const stop = pos + (string & STRING_MASK);
    if ((string & STRING_MASK) === STRING_MASK || stop > this.end) return false;
    const isStatic = index < FIRST_DYNAMIC;
    const slot = isStatic ? index : table.slotOf(index - FIRST_DYNAMIC);
    if (slot < 0) return false;
    const entries = isStatic ? STATIC_ENTRIES : table.entries;
    const entry = slot * ENTRY_WIDTH;
    const kind = entries[entry + KIND_OF] as Kind;
    if (kind === KIND.path) return this.#shortPath(head, pos, stop, isKept);
    const line = entries[entry] as number;
    const nameLength = (entries[entry + NAME_END] as number) - line;
    const flags = entries[entry + FLAGS] as number;
    const valueStart = at + nameLength + 2;
    const field = head.count * FIELD_WIDTH;
    if (kind !== KIND.regular || refusalOfName(flags) !== 0 || head.count >= this.maxFields) return false;
    if (valueStart + maxDecodedBytes(stop - pos) + 2 > bytes.length || field + FIELD_WIDTH > fields.length)
      return false;
    const hash = entries[entry + NAME_HASH] as number;
    copyShort(isStatic ? STATIC_VIEW : table.view, line, head.view, at, nameLength + 2);
    const isCoded = string >= 0x80;
    const valueEnd = isCoded
      ? decodeHuffman(block, pos, stop, bytes, valueStart)
      : copyBytes(block, pos, stop, bytes, valueStart);
    const length = valueEnd - valueStart;
    const size = nameLength + length + ENTRY_OVERHEAD;
    if (length < 0 || this.listBytes + size > this.maxListBytes) return false;
    const isEdged = length > 0 && (isBlank(bytes[valueStart]) || isBlank(bytes[valueEnd - 1]));
    if (isEdged || printableEnd(head.view, valueStart, valueEnd) < valueEnd) return false;
    bytes[valueEnd] = 0x0d;
    bytes[valueEnd + 1] = 0x0a;
    fields[field] = at;
    fields[field + NAME_END] = at + nameLength;
    fields[field + VALUE_START] = valueStart;
    fields[field + VALUE_END] = valueEnd;
    fields[field + NAME_HASH] = hash;
    fields[field + FLAGS] = flags | never;
    head.count++;
    this.twice |= head.known & flags;
    head.known |= flags & KNOWN_BITS;
    this.seenRegular = true;
    this.listBytes += size;
    this.at = valueEnd + LINE_END;
    this.pos = stop;
    if (isKept) table.insert(bytes, at, this.at, nameLength, length, size, hash, flags, KIND.regular, 0);
    return true;
  }

  #shortPath(head: Head, pos: number, stop: number, isKept: boolean): boolean {
    const { block, at } = this;
    const { bytes } = head;
    if (this.seenRegular || (this.seen & (1 << KIND.path)) !== 0) return false;
    if (at + maxDecodedBytes(stop - pos) > bytes.length) return false;
    const isCoded = (block[pos - 1] as number) >= 0x80;
    const end = isCoded ? decodeHuffman(block, pos, stop, bytes, at) : copyBytes(block, pos, stop, bytes, at);
    const size = PATH_BYTES + end - at + ENTRY_OVERHEAD;
    if (end <= at || bytes[at] !== SLASH || this.listBytes + size > this.maxListBytes) return false;
    if (visibleEnd(head.view, at, end) < end) return false;
    head.pathStart = at;
    head.pathEnd = end;
    this.seen |= 1 << KIND.path;
    this.listBytes += size;
    this.at = end;
    this.pos = stop;
    if (isKept) this.table.insert(bytes, at, end, 0, end - at, size, 0, 0, KIND.path, 0);
    return true;
  }
}
