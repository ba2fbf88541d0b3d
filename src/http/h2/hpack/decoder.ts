/**
 * HPACK blocks (RFC 7541) into heads. A block is always read to its end, so that the dynamic table stays in step with
 * the peer's whatever is wrong with the message: only what breaks the table's order ends the connection.
 */
import { copyBytes, EMPTY_BYTES } from '../../../core/bytes.ts';
import { copyShort } from '../../../core/words.ts';
import {
  BAD_FIELD_NAME,
  BAD_PSEUDO_FIELD,
  DUPLICATE_PSEUDO_FIELD,
  HEAD_TOO_LARGE,
  TOO_MANY_FIELDS,
} from '../../h1/refusal.ts';
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
import { TOKEN } from '../../token.ts';
import { HOST } from '../../field-name.ts';
import { checkValue } from './check-value.ts';
import { completeRequest, completeResponse, completeTrailers } from './complete-head.ts';
import { DecodingTable, ENTRY_OVERHEAD, ENTRY_WIDTH, KIND_OF, REFUSAL, SIZE } from './decoding-table.ts';
import { KIND, type Kind, pseudoKindOf } from './field-kind.ts';
import { knownFlags, refusalOfName } from './known-flags.ts';
import { setPseudo } from './pseudo-fields.ts';
import { KNOWN_BITS, SHORT_BYTES, UsualFields } from './usual-fields.ts';
import { FIRST_DYNAMIC, STATIC_ENTRIES, STATIC_LINES, STATIC_VIEW } from './static-table.ts';

/** What a block is the head of. */
export const BLOCK = { request: 0, response: 1, trailers: 2 } as const;
export type Block = (typeof BLOCK)[keyof typeof BLOCK];

/** The block cannot be read: the tables of the two ends differ from here on, and the connection ends with COMPRESSION_ERROR. */
export const COMPRESSION_ERROR = 1;

export interface HeadLimits {
  /** Of names and values with 32 bytes a field, as SETTINGS_MAX_HEADER_LIST_SIZE counts (RFC 9113 section 6.5.2). */
  readonly maxListBytes: number;
  /** Pseudo-header fields not counted. */
  readonly maxFields: number;
  /** As in `Http2Limits`. */
  readonly anyAuthority?: boolean;
}

/** Both ends begin with this (RFC 9113 section 6.5.2). */
export const INITIAL_TABLE_BYTES = 4096;
/** However much a setting says. */
export const MAX_TABLE_BYTES = 65_536;

/** Of one block and of the list that it decodes to: whatever a limit says, a head never grows to the bound at which it throws. */
const MAX_BLOCK_BYTES = 1 << 18;

/** The first byte of an index of the dynamic table in one byte. */
const FIRST_REPEATED = 0x80 | FIRST_DYNAMIC;
/** `: ` and CR LF. */
const LINE_OVERHEAD = 4;
const COLON = 0x3a;
const HOST_FLAGS = knownFlags(HOST.hash, HOST.bytes, 0, HOST.bytes.length);

export class HpackDecoder extends UsualFields {
  /** What the peer may set its table to. */
  #maxTableBytes: number;
  /** The peer has acknowledged a bound below its table's size, so its next block begins with an update. */
  #owesUpdate = false;

  #protocolStart = 0;
  #protocolEnd = 0;
  readonly #anyAuthority: boolean;

  /** `maxTableBytes` is what SETTINGS_HEADER_TABLE_SIZE will say: at most MAX_TABLE_BYTES, 0 for no dynamic table. */
  constructor(maxTableBytes: number, limits: HeadLimits) {
    const capacity = Math.max(Math.min(maxTableBytes, MAX_TABLE_BYTES), INITIAL_TABLE_BYTES);
    const table = new DecodingTable(capacity, INITIAL_TABLE_BYTES);
    super(table, Math.min(limits.maxListBytes, MAX_BLOCK_BYTES), limits.maxFields);
    this.#maxTableBytes = capacity;
    this.#anyAuthority = limits.anyAuthority === true;
  }

  /** Bytes of the dynamic table in use, by RFC 7541 section 4.1. */
  get tableBytes(): number {
    return this.table.size;
  }

  /** The peer has acknowledged the SETTINGS that said `maxTableBytes`: from its next block on it is held to that. */
  onSettingsAcknowledged(maxTableBytes: number): void {
    this.#maxTableBytes = Math.min(maxTableBytes, MAX_TABLE_BYTES);
    this.#owesUpdate = this.table.maxBytes > this.#maxTableBytes;
  }

  /**
   * Reads `block[start, end)` into a fresh head. Returns 0; a refusal of `h1/refusal.ts` (negative: the message is
   * malformed or too large, its stream ends); or COMPRESSION_ERROR. The head is whole only after 0.
   */
  decode(block: Uint8Array, start: number, end: number, head: Head, kind: Block): number {
    this.block = block;
    this.pos = start;
    this.end = end;
    this.at = 0;
    this.refusal = this.listBytes = this.seen = this.twice = 0;
    this.seenRegular = false;
    head.version = 20;
    const isRead = end - start <= MAX_BLOCK_BYTES && this.#readUpdates() && this.#readFields(head);
    this.block = EMPTY_BYTES;
    if (!isRead || this.refusal !== 0) {
      head.count = head.used = head.known = 0;
      return isRead ? this.refusal : COMPRESSION_ERROR;
    }
    head.used = this.at;
    if (kind === BLOCK.request)
      return completeRequest(head, this.seen, this.twice, this.#protocolStart, this.#protocolEnd);
    return kind === BLOCK.response ? completeResponse(head, this.seen) : completeTrailers(head, this.seen);
  }

  /** Dynamic table size updates stand at the beginning of a block and nowhere else (RFC 7541 section 4.2). */
  #readUpdates(): boolean {
    while (this.pos < this.end && ((this.block[this.pos] as number) & 0xe0) === 0x20) {
      const size = this.integer(0x1f);
      if (size < 0 || size > this.#maxTableBytes) return false;
      this.table.resize(size);
      this.#owesUpdate = false;
    }
    return !this.#owesUpdate;
  }

  #readFields(head: Head): boolean {
    while (this.pos < this.end) {
      const byte = this.block[this.pos] as number;
      let isRead: boolean;
      if (byte >= FIRST_REPEATED) isRead = this.repeated(head) || this.#indexed(head);
      else if (byte >= 0x80) isRead = this.staticPseudo(head, byte & 0x7f) || this.#indexed(head);
      else if (byte >= 0x20 && byte < 0x40) return false;
      else {
        const isKept = byte >= 0x40;
        const mask = isKept ? 0x3f : 0x0f;
        const never = (byte & 0xf0) === 0x10 ? NEVER_INDEXED : 0;
        isRead = this.shortLiteral(head, mask, isKept, never) || this.#literal(head, mask, isKept, never);
      }
      if (!isRead) return false;
    }
    return true;
  }

  #indexed(head: Head): boolean {
    const index = this.integer(0x7f);
    if (index <= 0) return false;
    const isStatic = index < FIRST_DYNAMIC;
    const slot = isStatic ? index : this.table.slotOf(index - FIRST_DYNAMIC);
    if (slot < 0) return false;
    const entries = isStatic ? STATIC_ENTRIES : this.table.entries;
    const at = slot * ENTRY_WIDTH;
    this.#count(entries[at + SIZE] as number);
    this.#refuse(entries[at + REFUSAL] as number);
    if (this.refusal !== 0) return true;
    const lineStart = entries[at] as number;
    const nameLength = (entries[at + NAME_END] as number) - lineStart;
    const valueLength = (entries[at + VALUE_END] as number) - (entries[at + VALUE_START] as number);
    const length = nameLength === 0 ? valueLength : nameLength + valueLength + LINE_OVERHEAD;
    const to = this.at;
    this.room(head, length);
    const view = isStatic ? STATIC_VIEW : this.table.view;
    if (length <= SHORT_BYTES) copyShort(view, lineStart, head.view, to, length);
    else copyBytes(isStatic ? STATIC_LINES : this.table.lines, lineStart, lineStart + length, head.bytes, to);
    const flags = entries[at + FLAGS] as number;
    const kind = entries[at + KIND_OF] as Kind;
    this.#accept(head, kind, to, nameLength, valueLength, entries[at + NAME_HASH] as number, flags);
    return true;
  }

  #literal(head: Head, mask: number, isKept: boolean, never: number): boolean {
    const index = this.integer(mask);
    if (index < 0) return false;
    // A head that is refused is written over and over from its beginning: its fields matter to the table alone.
    if (this.refusal !== 0) this.at = 0;
    const to = this.at;
    let kind: Kind = KIND.regular;
    let hash = 0;
    let flags = 0;
    let nameLength = 0;
    let nameSize = 0;
    let nameRefusal = 0;
    if (index === 0) {
      nameLength = this.string(head, to);
      if (nameLength < 0) return false;
      nameSize = nameLength;
      if (nameLength > 0 && head.bytes[to] === COLON) {
        kind = pseudoKindOf(head.bytes, to, to + nameLength);
        nameLength = 0;
        if (kind === KIND.invalid) nameRefusal = BAD_PSEUDO_FIELD;
      } else {
        let isName = nameLength > 0;
        for (let i = to; i < to + nameLength; i++) {
          const byte = head.bytes[i] as number;
          if (TOKEN[byte] !== byte || byte === 0) isName = false;
          hash = (Math.imul(hash, 31) + byte) | 0;
        }
        if (isName) {
          flags = knownFlags(hash, head.bytes, to, to + nameLength);
          nameRefusal = refusalOfName(flags);
        } else {
          kind = KIND.invalid;
          nameRefusal = BAD_FIELD_NAME;
        }
      }
    } else {
      const isStatic = index < FIRST_DYNAMIC;
      const slot = isStatic ? index : this.table.slotOf(index - FIRST_DYNAMIC);
      if (slot < 0) return false;
      const entries = isStatic ? STATIC_ENTRIES : this.table.entries;
      const at = slot * ENTRY_WIDTH;
      const lineStart = entries[at] as number;
      const valueSize = (entries[at + VALUE_END] as number) - (entries[at + VALUE_START] as number);
      kind = entries[at + KIND_OF] as Kind;
      nameLength = (entries[at + NAME_END] as number) - lineStart;
      nameSize = (entries[at + SIZE] as number) - valueSize - ENTRY_OVERHEAD;
      hash = entries[at + NAME_HASH] as number;
      flags = entries[at + FLAGS] as number;
      nameRefusal = kind === KIND.invalid ? (entries[at + REFUSAL] as number) : refusalOfName(flags);
      this.room(head, nameLength + 2);
      copyBytes(isStatic ? STATIC_LINES : this.table.lines, lineStart, lineStart + nameLength, head.bytes, to);
    }
    if (kind === KIND.authority && index === 0) {
      this.room(head, HOST.bytes.length + 2);
      copyBytes(HOST.bytes, 0, HOST.bytes.length, head.bytes, to);
      nameLength = HOST.bytes.length;
      hash = HOST.hash;
      flags = HOST_FLAGS;
    }
    let valueStart = to + nameLength;
    if (nameLength > 0) {
      this.room(head, nameLength + 2);
      head.bytes[valueStart++] = COLON;
      head.bytes[valueStart++] = 0x20;
    }
    const valueLength = this.string(head, valueStart);
    if (valueLength < 0) return false;
    let lineEnd = valueStart + valueLength;
    if (nameLength > 0) {
      this.room(head, lineEnd - to + 2);
      head.bytes[lineEnd++] = 0x0d;
      head.bytes[lineEnd++] = 0x0a;
    }
    const checked = kind === KIND.authority && this.#anyAuthority ? KIND.regular : kind;
    const refusal =
      nameRefusal !== 0
        ? nameRefusal
        : checkValue(checked, head.bytes, head.view, valueStart, valueStart + valueLength);
    const size = nameSize + valueLength + ENTRY_OVERHEAD;
    if (isKept) {
      this.table.insert(head.bytes, to, lineEnd, nameLength, valueLength, size, hash, flags, kind, refusal);
    }
    this.#count(size);
    this.#refuse(refusal);
    if (this.refusal === 0) this.#accept(head, kind, to, nameLength, valueLength, hash, flags | never);
    return true;
  }

  /** Takes the field whose line was written at `to` into the head. */
  #accept(
    head: Head,
    kind: Kind,
    to: number,
    nameLength: number,
    valueLength: number,
    hash: number,
    flags: number,
  ): void {
    const valueStart = nameLength === 0 ? to : to + nameLength + 2;
    const valueEnd = valueStart + valueLength;
    this.at = nameLength === 0 ? valueEnd : valueEnd + 2;
    if (kind !== KIND.regular) {
      if (this.seenRegular) return this.#refuse(BAD_PSEUDO_FIELD);
      if ((this.seen & (1 << kind)) !== 0) return this.#refuse(DUPLICATE_PSEUDO_FIELD);
      this.seen |= 1 << kind;
      if (kind === KIND.protocol) {
        this.#protocolStart = valueStart;
        this.#protocolEnd = valueEnd;
      } else setPseudo(head, kind, valueStart, valueEnd);
      if (kind !== KIND.authority) return;
    } else {
      this.seenRegular = true;
      this.twice |= head.known & flags;
      head.known |= flags & KNOWN_BITS;
      if (head.count >= this.maxFields) return this.#refuse(TOO_MANY_FIELDS);
    }
    head.reserveField();
    const { fields } = head;
    const slot = head.count * FIELD_WIDTH;
    fields[slot] = to;
    fields[slot + NAME_END] = to + nameLength;
    fields[slot + VALUE_START] = valueStart;
    fields[slot + VALUE_END] = valueEnd;
    fields[slot + NAME_HASH] = hash;
    fields[slot + FLAGS] = flags;
    head.count++;
  }

  #count(size: number): void {
    this.listBytes += size;
    if (this.listBytes > this.maxListBytes) this.#refuse(HEAD_TOO_LARGE);
  }

  /** The first thing that is wrong is the verdict. */
  #refuse(refusal: number): void {
    if (this.refusal === 0) this.refusal = refusal;
  }
}
