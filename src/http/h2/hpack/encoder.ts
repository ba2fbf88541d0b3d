/**
 * Heads into HPACK blocks, whether they came by HTTP/1.1 or HTTP/2. Strings go out as they are, which RFC 7541 section
 * 5.2 leaves to the encoder: between sidecars most of them are an index anyway. A block that was encoded must be sent,
 * in order: the peer's table depends on it.
 */
import { copyBytes, EMPTY_BYTES, viewOf } from '../../../core/bytes.ts';
import { hashOfBytes } from '../../../core/words.ts';
import { HOST, UPGRADE } from '../../field-name.ts';
import { FIELD_WIDTH, FLAGS, type Head, HOP, NAME_END, NAME_HASH, NEVER_INDEXED, REMOVED } from '../../head.ts';
import { TARGET, UPGRADE_STATE, VALUE_END, VALUE_START } from '../../head.ts';
import { METHOD } from '../../method.ts';
import { TOKEN } from '../../token.ts';
import { INITIAL_TABLE_BYTES, MAX_TABLE_BYTES } from './decoder.ts';
import { EncodingTable } from './encoding-table.ts';
import { ALONE, isRun, linesWithin } from './head-run.ts';
import { IndexPolicy, POLICY, SHORT_SECRET_BYTES } from './index-policy.ts';
import { putInteger } from './integer.ts';
import {
  AUTHORITY_NAME,
  CONTENT_LENGTH_INDEX,
  GET_INDEX,
  HTTP_INDEX,
  HTTPS_INDEX,
  METHOD_NAME,
  PATH_NAME,
  POST_INDEX,
  PROTOCOL_NAME,
  type PseudoName,
  ROOT_INDEX,
  STATUS_INDEXES,
  STATUS_NAME,
} from './pseudo-names.ts';
import { staticNameIndex } from './static-names.ts';
import { FIRST_DYNAMIC } from './static-table.ts';

/** Patterns of RFC 7541 section 6, with the prefix that follows them. */
const INDEXED = 0x80;
const INDEXED_MASK = 0x7f;
const KEPT = 0x40;
const KEPT_MASK = 0x3f;
const SIZE_UPDATE = 0x20;
const SIZE_UPDATE_MASK = 0x1f;
const NEVER = 0x10;
const LITERAL = 0x00;
const LITERAL_MASK = 0x0f;
const STRING_MASK = 0x7f;

/** More than all that does not come from the head's bytes: size updates, pseudo-header fields, a length. */
const ADDED_BYTES = 128;
/** Around the value of a line: `: ` and CR LF. */
const SEPARATOR = 2;
const LINE_END = 2;
/** Prefixes and lengths of one field. */
const FIELD_OVERHEAD = 16;

const CONNECT = Buffer.from('CONNECT', 'latin1');
const CONNECT_VIEW = viewOf(CONNECT);
/** For values that stand in no head. */
const digits = new Uint8Array(16);
const digitsView = viewOf(digits);
const NO_VIEW = viewOf(EMPTY_BYTES);

/** Where nothing may enter a table there is nothing to learn, only which fields are secrets: one serves all. */
let policyOfNone: IndexPolicy | null = null;

export class HpackEncoder {
  readonly #table: EncodingTable;
  readonly #policy: IndexPolicy;
  readonly #maxTableBytes: number;
  /** The smallest bound since the last block, and the last one; -1 when there is nothing to tell (RFC 7541 section 4.2). */
  #smallestBytes = -1;
  #nextBytes = -1;

  #out: Uint8Array = EMPTY_BYTES;
  #at = 0;
  /** What the ranges of values are of: the head's bytes, but for what does not stand in it. */
  #values: Uint8Array = EMPTY_BYTES;
  #view = NO_VIEW;
  /** Ordinal of the entry that the last field went as, or -1. */
  #ordinal = -1;
  /** Fields that went as entries side by side, in the head and in the table: the first entry, and what they come to. */
  #runOrdinal = 0;
  #runFields = 0;
  #runBytes = 0;
  /** Where in the head the next of them would begin. */
  #runEnd = 0;

  /** `maxTableBytes`: what we are ready to hold, however much the peer offers; 0 for no dynamic table. */
  constructor(maxTableBytes: number) {
    this.#maxTableBytes = Math.min(maxTableBytes, MAX_TABLE_BYTES);
    this.#policy = maxTableBytes === 0 ? (policyOfNone ??= new IndexPolicy()) : new IndexPolicy();
    this.#table = new EncodingTable(this.#maxTableBytes, INITIAL_TABLE_BYTES);
    this.onPeerTableBytes(INITIAL_TABLE_BYTES);
  }
  /** What SETTINGS of the peer say, when they come. */
  onPeerTableBytes(bytes: number): void {
    const next = Math.min(bytes, this.#maxTableBytes);
    if (next === this.#table.maxBytes && this.#nextBytes < 0) return;
    this.#smallestBytes = this.#nextBytes < 0 ? next : Math.min(next, this.#smallestBytes);
    this.#nextBytes = next;
  }

  /** Bytes that a block of this head can take, at most. */
  bound(head: Head): number {
    return head.used + head.count * FIELD_OVERHEAD + ADDED_BYTES;
  }

  /**
   * Writes the block of a request or response to `out[start…]`, which has `bound(head)` bytes, and returns the offset
   * after it. A `contentLength` of -1 is not written. A granted upgrade goes as extended CONNECT, and 101 as its 200.
   */
  encode(head: Head, contentLength: number, out: Uint8Array, start: number): number {
    this.#begin(head, out, start);
    if (head.status === 0) this.#requestLine(head);
    else this.#status(head, head.status === 101 && head.upgrade === UPGRADE_STATE.granted ? 200 : head.status);
    this.#fields(head);
    if (contentLength >= 0) {
      const at = digitsOf(contentLength);
      this.#values = digits;
      this.#literal(LITERAL, LITERAL_MASK, CONTENT_LENGTH_INDEX, NO_VIEW, 0, 0, at, digits.length);
    }
    return this.#end();
  }

  encodeTrailers(fields: Head, out: Uint8Array, start: number): number {
    this.#begin(fields, out, start);
    this.#fields(fields);
    return this.#end();
  }

  #begin(head: Head, out: Uint8Array, start: number): void {
    this.#out = out;
    this.#at = start;
    this.#values = head.bytes;
    this.#view = head.view;
    if (this.#nextBytes < 0) return;
    if (this.#smallestBytes < this.#nextBytes) this.#sizeUpdate(this.#smallestBytes);
    this.#sizeUpdate(this.#nextBytes);
    this.#nextBytes = -1;
  }

  #end(): number {
    this.#out = this.#values = EMPTY_BYTES;
    this.#view = NO_VIEW;
    return this.#at;
  }

  #sizeUpdate(bytes: number): void {
    this.#table.resize(bytes);
    this.#at = putInteger(this.#out, this.#at, bytes, SIZE_UPDATE_MASK, SIZE_UPDATE);
  }

  #requestLine(head: Head): void {
    const upgrade = head.upgrade === UPGRADE_STATE.granted ? head.find(UPGRADE) : -1;
    if (upgrade >= 0) this.#foreign(head, METHOD_NAME, CONNECT, CONNECT_VIEW, 0);
    else if (head.method === METHOD.get) this.#out[this.#at++] = INDEXED | GET_INDEX;
    else if (head.method === METHOD.post) this.#out[this.#at++] = INDEXED | POST_INDEX;
    else this.#pseudo(METHOD_NAME, head.methodStart, head.methodEnd);
    if (head.target !== TARGET.authority) {
      this.#out[this.#at++] = INDEXED | (head.scheme === 'https' ? HTTPS_INDEX : HTTP_INDEX);
      const isRoot = head.pathEnd - head.pathStart === 1 && head.bytes[head.pathStart] === 0x2f;
      if (isRoot) this.#out[this.#at++] = INDEXED | ROOT_INDEX;
      else this.#pseudo(PATH_NAME, head.pathStart, head.pathEnd);
    }
    if (head.authorityEnd > head.authorityStart) this.#pseudo(AUTHORITY_NAME, head.authorityStart, head.authorityEnd);
    if (upgrade >= 0) this.#pseudo(PROTOCOL_NAME, head.valueStart(upgrade), head.valueEnd(upgrade));
  }

  #status(head: Head, status: number): void {
    const index = STATUS_INDEXES[status] as number;
    if (index !== 0) this.#out[this.#at++] = INDEXED | index;
    else this.#foreign(head, STATUS_NAME, digits, digitsView, digitsOf(status));
  }

  #pseudo(name: PseudoName, start: number, end: number): void {
    this.#field(name.bytes, 0, name.bytes.byteLength, name.hash, name.index, start, end);
  }

  /** A value that does not stand in the head, from `start` to the end of `bytes`. */
  #foreign(head: Head, name: PseudoName, bytes: Uint8Array, view: DataView, start: number): void {
    this.#values = bytes;
    this.#view = view;
    this.#pseudo(name, start, bytes.length);
    this.#values = head.bytes;
    this.#view = head.view;
  }

  #fields(head: Head): void {
    const { fields, count } = head;
    this.#runFields = 0;
    for (let i = 0; i < count; ) {
      const slot = i * FIELD_WIDTH;
      const flags = fields[slot + FLAGS] as number;
      const hash = fields[slot + NAME_HASH] as number;
      // Host of a request goes as `:authority`.
      const isSent =
        (flags & (REMOVED | HOP)) === 0 && (hash !== HOST.hash || head.status !== 0 || !head.isNamed(i, HOST));
      let sent = 0;
      if (isSent) {
        sent = (flags & ALONE) === 0 ? this.#run(head, i, hash) : 0;
        if (sent === 0) this.#oneField(head, i, flags, hash);
      }
      i += sent || 1;
    }
  }

  /**
   * Fields that stood side by side before, in the head and as entries in the table, are known again by one comparison.
   * Returns how many went, from index `first` on.
   */
  #run(head: Head, first: number, hash: number): number {
    const table = this.#table;
    const ordinal = this.#policy.likely(hash);
    if (ordinal < table.evicted) return 0;
    const start = head.fields[first * FIELD_WIDTH] as number;
    let length = table.runFields(ordinal);
    let bytes = table.runBytes(ordinal);
    if (!isRun(head, first, length, bytes) || !table.isRunAt(ordinal, head, start, bytes)) {
      if (length === 1) return 0;
      const equal = table.equalBytes(ordinal, head, start, Math.min(bytes, head.used - start));
      length = linesWithin(head, first, length, equal);
      if (length === 0) return 0;
      bytes = (head.fields[(first + length - 1) * FIELD_WIDTH + VALUE_END] as number) + LINE_END - start;
      table.cutRun(ordinal, length, bytes);
    }
    this.#indexed(ordinal, length);
    this.#went(ordinal, length, start, bytes);
    return length;
  }

  /** Fields went as `length` entries from this one on: with those before them they may make a run, to be tried as one. */
  #went(ordinal: number, length: number, start: number, bytes: number): void {
    const table = this.#table;
    const isNext =
      this.#runFields > 0 &&
      start === this.#runEnd &&
      ordinal === this.#runOrdinal + this.#runFields &&
      table.lineStart(ordinal) === table.lineStart(this.#runOrdinal) + this.#runBytes;
    this.#runEnd = start + bytes;
    if (isNext) {
      this.#runFields += length;
      this.#runBytes += bytes;
      table.growRun(this.#runOrdinal, this.#runFields, this.#runBytes);
    } else {
      this.#runOrdinal = ordinal;
      this.#runFields = length;
      this.#runBytes = bytes;
    }
  }

  #oneField(head: Head, index: number, flags: number, hash: number): void {
    const { view, fields } = head;
    const slot = index * FIELD_WIDTH;
    const name = fields[slot] as number;
    const nameEnd = fields[slot + NAME_END] as number;
    const value = fields[slot + VALUE_START] as number;
    const valueEnd = fields[slot + VALUE_END] as number;
    if ((flags & NEVER_INDEXED) !== 0) {
      const inStatic = staticNameIndex(hash, view, name, nameEnd);
      return this.#literal(NEVER, LITERAL_MASK, inStatic, view, name, nameEnd, value, valueEnd);
    }
    this.#field(view, name, nameEnd, hash, -1, value, valueEnd);
    // A line that is not as the table holds it is in no run.
    if (this.#ordinal >= 0 && value === nameEnd + SEPARATOR)
      this.#went(this.#ordinal, 1, name, valueEnd + LINE_END - name);
  }

  /** `length` entries from this one on. */
  #indexed(ordinal: number, length: number): void {
    const out = this.#out;
    let at = this.#at;
    const first = FIRST_DYNAMIC + this.#table.inserted - 1 - ordinal;
    for (let index = first; index > first - length; index--) {
      if (index < INDEXED_MASK) out[at++] = INDEXED | index;
      else at = putInteger(out, at, index, INDEXED_MASK, INDEXED);
    }
    this.#at = at;
  }

  /** Sends a field in the shortest form that its policy allows. `staticIndex` of -1: look the name up when it is needed. */
  #field(
    names: DataView,
    name: number,
    nameEnd: number,
    hash: number,
    staticIndex: number,
    value: number,
    valueEnd: number,
  ): void {
    const table = this.#table;
    const policy = this.#policy;
    const slot = policy.slotOf(hash);
    const rule = policy.policy(slot);
    const last = policy.last(slot);
    const isSecret = rule === POLICY.never || (rule === POLICY.neverWhenShort && valueEnd - value < SHORT_SECRET_BYTES);
    const isLast = !isSecret && last >= table.evicted && policy.isSteady(slot);
    if (isLast && table.isEntry(last, staticIndex, names, name, nameEnd, this.#view, value, valueEnd)) {
      policy.used(slot, last);
      this.#ordinal = last;
      return this.#indexed(last, 1);
    }
    this.#ordinal = -1;
    let index = staticIndex < 0 ? staticNameIndex(hash, names, name, nameEnd) : staticIndex;
    if (isSecret) return this.#literal(NEVER, LITERAL_MASK, index, names, name, nameEnd, value, valueEnd);
    const hasRoom = table.hasRoomFor(nameEnd - name + valueEnd - value);
    const valueHash = hasRoom ? hashOfBytes(this.#view, value, valueEnd) : 0;
    const isExpected = hasRoom && policy.expects(slot, valueHash);
    const lineHash = Math.imul(hash, 31) ^ valueHash;
    const found = isExpected ? table.find(lineHash, index, names, name, nameEnd, this.#view, value, valueEnd) : -1;
    if (found >= 0) {
      policy.used(slot, found);
      this.#ordinal = found;
      return this.#indexed(found, 1);
    }
    const staticName = index;
    if (index === 0 && last >= table.evicted && table.isName(last, names, name, nameEnd)) {
      index = FIRST_DYNAMIC + table.inserted - 1 - last;
    }
    // A name that is in no table is worth an entry, whatever its value.
    if (!isExpected && (!hasRoom || index > 0)) {
      return this.#literal(LITERAL, LITERAL_MASK, index, names, name, nameEnd, value, valueEnd);
    }
    this.#literal(KEPT, KEPT_MASK, index, names, name, nameEnd, value, valueEnd);
    this.#ordinal = table.inserted;
    policy.entered(slot, this.#ordinal);
    table.insert(lineHash, staticName, names, name, nameEnd, this.#values, value, valueEnd);
  }

  #literal(
    pattern: number,
    mask: number,
    index: number,
    names: DataView,
    name: number,
    nameEnd: number,
    value: number,
    valueEnd: number,
  ): void {
    const out = this.#out;
    let at = putInteger(out, this.#at, index, mask, pattern);
    if (index === 0) {
      at = putInteger(out, at, nameEnd - name, STRING_MASK, 0);
      for (let i = name; i < nameEnd; i++) {
        const byte = names.getUint8(i);
        out[at++] = byte === 0x3a ? byte : (TOKEN[byte] as number);
      }
    }
    at = putInteger(out, at, valueEnd - value, STRING_MASK, 0);
    this.#at = copyBytes(this.#values, value, valueEnd, out, at);
  }
}

/** Writes a number into the end of `digits`; returns where it begins. */
function digitsOf(value: number): number {
  let at = digits.length;
  let rest = value;
  do {
    digits[--at] = 0x30 + (rest % 10);
    rest = Math.floor(rest / 10);
  } while (rest > 0);
  return at;
}
