/**
 * Heads into HPACK blocks, whether they came by HTTP/1.1 or HTTP/2. Strings go out as they are: Huffman coding saves a
 * quarter of the bytes and costs more than the bytes do between sidecars. A block that was encoded must be sent, in
 * order: the peer's table depends on it.
 */
import { copyBytes, EMPTY_BYTES } from '../../../core/bytes.ts';
import { hash32 } from '../../../core/hash.ts';
import { HOST, UPGRADE } from '../../field-name.ts';
import { FIELD_WIDTH, FLAGS, type Head, HOP, NAME_END, NAME_HASH, NEVER_INDEXED, REMOVED } from '../../head.ts';
import { TABLE_SLOT_SHIFT, TARGET, UPGRADE_STATE, VALUE_END, VALUE_START } from '../../head.ts';
import { METHOD } from '../../method.ts';
import { TOKEN } from '../../token.ts';
import { INITIAL_TABLE_BYTES, MAX_TABLE_BYTES } from './decoder.ts';
import { LINKS } from './decoding-table.ts';
import { EncodingTable } from './encoding-table.ts';
import { IndexPolicy, POLICY, SHORT_SECRET_BYTES } from './index-policy.ts';
import { putInteger } from './integer.ts';
import { staticNameIndex } from './static-names.ts';
import { FIRST_DYNAMIC, STATIC_FIELDS } from './static-table.ts';

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
/** Flags of fields that need no comparison, or must not be looked up. */
const ONE_BY_ONE = NEVER_INDEXED | (-1 << TABLE_SLOT_SHIFT);
/** Prefixes and lengths of one field. */
const FIELD_OVERHEAD = 16;

const METHOD_NAME = pseudoName(':method');
const PATH_NAME = pseudoName(':path');
const AUTHORITY_NAME = pseudoName(':authority');
const STATUS_NAME = pseudoName(':status');
const PROTOCOL_NAME = pseudoName(':protocol');

const GET_INDEX = indexOf(':method', 'GET');
const POST_INDEX = indexOf(':method', 'POST');
const ROOT_INDEX = indexOf(':path', '/');
const HTTP_INDEX = indexOf(':scheme', 'http');
const HTTPS_INDEX = indexOf(':scheme', 'https');
const CONTENT_LENGTH_INDEX = indexOf('content-length', '');
/** Index of a status in the static table, or 0. */
const STATUS_INDEXES = new Uint8Array(600);
for (const [index, [name, value]] of STATIC_FIELDS.entries()) if (name === ':status') STATUS_INDEXES[+value] = index;
const CONNECT = Buffer.from('CONNECT', 'latin1');
/** For values that stand in no head. */
const digits = new Uint8Array(16);

let encoders = 0;

export class HpackEncoder {
  /** Not 0; entries of decoders remember by it whose index they know. */
  readonly #id: number;
  readonly #table: EncodingTable;
  readonly #policy = new IndexPolicy();
  readonly #maxTableBytes: number;
  /** The smallest bound since the last block, and the last one; -1 when there is nothing to tell (RFC 7541 section 4.2). */
  #smallestBytes = -1;
  #nextBytes = -1;

  #out: Uint8Array = EMPTY_BYTES;
  #at = 0;
  /** Ordinal of the entry that the last field went as, or -1. */
  #ordinal = -1;

  /** `maxTableBytes`: what we are ready to hold, however much the peer offers; 0 for no dynamic table. */
  constructor(maxTableBytes: number) {
    this.#id = ++encoders;
    this.#maxTableBytes = Math.min(maxTableBytes, MAX_TABLE_BYTES);
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
    this.#begin(out, start);
    if (head.status === 0) this.#requestLine(head);
    else this.#status(head.status === 101 && head.upgrade === UPGRADE_STATE.granted ? 200 : head.status);
    this.#fields(head);
    if (contentLength >= 0) {
      const at = digitsOf(contentLength);
      this.#literal(LITERAL, LITERAL_MASK, CONTENT_LENGTH_INDEX, EMPTY_BYTES, 0, 0, digits, at, digits.length);
    }
    return this.#end();
  }

  encodeTrailers(fields: Head, out: Uint8Array, start: number): number {
    this.#begin(out, start);
    this.#fields(fields);
    return this.#end();
  }

  #begin(out: Uint8Array, start: number): void {
    this.#out = out;
    this.#at = start;
    if (this.#nextBytes < 0) return;
    if (this.#smallestBytes < this.#nextBytes) this.#sizeUpdate(this.#smallestBytes);
    this.#sizeUpdate(this.#nextBytes);
    this.#nextBytes = -1;
  }

  #end(): number {
    this.#out = EMPTY_BYTES;
    return this.#at;
  }

  #sizeUpdate(bytes: number): void {
    this.#table.resize(bytes);
    this.#at = putInteger(this.#out, this.#at, bytes, SIZE_UPDATE_MASK, SIZE_UPDATE);
  }

  #requestLine(head: Head): void {
    const { bytes } = head;
    const upgrade = head.upgrade === UPGRADE_STATE.granted ? head.find(UPGRADE) : -1;
    if (upgrade >= 0) this.#pseudo(METHOD_NAME, CONNECT, 0, CONNECT.length);
    else if (head.method === METHOD.get) this.#out[this.#at++] = INDEXED | GET_INDEX;
    else if (head.method === METHOD.post) this.#out[this.#at++] = INDEXED | POST_INDEX;
    else this.#pseudo(METHOD_NAME, bytes, head.methodStart, head.methodEnd);
    if (head.target !== TARGET.authority) {
      this.#out[this.#at++] = INDEXED | (head.scheme === 'https' ? HTTPS_INDEX : HTTP_INDEX);
      const isRoot = head.pathEnd - head.pathStart === 1 && bytes[head.pathStart] === 0x2f;
      if (isRoot) this.#out[this.#at++] = INDEXED | ROOT_INDEX;
      else this.#pseudo(PATH_NAME, bytes, head.pathStart, head.pathEnd);
    }
    if (head.authorityEnd > head.authorityStart) this.#authority(head);
    if (upgrade >= 0) this.#pseudo(PROTOCOL_NAME, bytes, head.valueStart(upgrade), head.valueEnd(upgrade));
  }

  /** An `:authority` that came by HTTP/2 is the head's first field, and may have come from a table. */
  #authority(head: Head): void {
    const isFirst = head.count > 0 && head.fields[VALUE_START] === head.authorityStart;
    const flags = isFirst ? (head.fields[FLAGS] as number) : 0;
    const known = flags >>> TABLE_SLOT_SHIFT === 0 ? -1 : this.#linked(head, flags);
    if (known >= 0) return this.#indexed(known);
    this.#pseudo(AUTHORITY_NAME, head.bytes, head.authorityStart, head.authorityEnd);
    this.#link(head, flags, this.#ordinal);
  }

  #status(status: number): void {
    const index = STATUS_INDEXES[status] as number;
    if (index !== 0) this.#out[this.#at++] = INDEXED | index;
    else this.#pseudo(STATUS_NAME, digits, digitsOf(status), digits.length);
  }

  #pseudo(name: PseudoName, bytes: Uint8Array, start: number, end: number): void {
    this.#field(name.bytes, 0, name.bytes.length, name.hash, name.index, bytes, start, end);
  }

  /**
   * Fields that stand side by side in the head and, as entries, in the table make a run, which one comparison proves
   * to be what the policy expected. A run that fails and all other fields go one by one.
   */
  #fields(head: Head): void {
    const { fields, count } = head;
    const table = this.#table;
    let first = 0;
    let length = 0;
    let ordinal = 0;
    let lineStart = 0;
    let lineEnd = 0;
    for (let i = 0, slot = 0; i < count; i++, slot += FIELD_WIDTH) {
      const flags = fields[slot + FLAGS] as number;
      if ((flags & (REMOVED | HOP)) !== 0) continue;
      const hash = fields[slot + NAME_HASH] as number;
      // In a request it goes as `:authority`.
      if (hash === HOST.hash && head.status === 0 && head.isNamed(i, HOST)) continue;
      const name = fields[slot] as number;
      const value = fields[slot + VALUE_START] as number;
      const nameLength = (fields[slot + NAME_END] as number) - name;
      const end = (fields[slot + VALUE_END] as number) + LINE_END;
      const isPlain = (flags & ONE_BY_ONE) === 0 && value === name + nameLength + SEPARATOR;
      const likely = isPlain ? this.#policy.likely(hash) : -1;
      const line = likely < 0 ? -1 : table.lineOf(likely, nameLength, end - LINE_END - value);
      if (length > 0) {
        const isNext = i === first + length && name === (fields[slot - FIELD_WIDTH + VALUE_END] as number) + LINE_END;
        if (isNext && line === lineEnd && likely === ordinal + length) {
          length++;
          lineEnd += end - name;
          continue;
        }
        this.#run(head, first, length, ordinal, lineStart, lineEnd);
        length = 0;
      }
      if (line < 0) {
        const known = flags >>> TABLE_SLOT_SHIFT === 0 ? -1 : this.#linked(head, flags);
        if (known < 0) this.#oneField(head, i);
        else this.#indexed(known);
      } else {
        first = i;
        length = 1;
        ordinal = likely;
        lineStart = line;
        lineEnd = line + end - name;
      }
    }
    if (length > 0) this.#run(head, first, length, ordinal, lineStart, lineEnd);
  }

  /** `length` fields from index `first` on, for the entries from `ordinal` on, if the bytes are those at `lineStart`. */
  #run(head: Head, first: number, length: number, ordinal: number, lineStart: number, lineEnd: number): void {
    const start = head.fields[first * FIELD_WIDTH] as number;
    // What the run before it inserted may have driven out the oldest of these.
    const isLive = ordinal >= this.#table.evicted;
    if (isLive && this.#table.isAt(lineStart, head.bytes, start, start + lineEnd - lineStart)) {
      for (let i = 0; i < length; i++) this.#indexed(ordinal + i);
    } else {
      for (let i = first; i < first + length; i++) this.#oneField(head, i);
    }
  }

  /** Ordinal of our entry for the one of a decoder's table that a field with these flags came from, or -1. */
  #linked(head: Head, flags: number): number {
    const { table } = head;
    const source = (flags >>> TABLE_SLOT_SHIFT) - 1;
    // An entry that came after the head took the place of the one that the field came from.
    if (table === null || (table.ordinals[source] as number) >= head.tableInserted) return -1;
    const link = source * LINKS + (this.#id & (LINKS - 1));
    if (table.linkOwners[link] !== this.#id) return -1;
    const known = table.linkOrdinals[link] as number;
    return known >= this.#table.evicted ? known : -1;
  }

  /** Remembers beside the entry that a field with these flags came from that it went as ours of this ordinal. */
  #link(head: Head, flags: number, ordinal: number): void {
    const { table } = head;
    const source = (flags >>> TABLE_SLOT_SHIFT) - 1;
    if (source < 0 || ordinal < 0 || table === null || (table.ordinals[source] as number) >= head.tableInserted) return;
    const link = source * LINKS + (this.#id & (LINKS - 1));
    table.linkOwners[link] = this.#id;
    table.linkOrdinals[link] = ordinal;
  }

  #oneField(head: Head, index: number): void {
    const { bytes, fields } = head;
    const slot = index * FIELD_WIDTH;
    const flags = fields[slot + FLAGS] as number;
    const hash = fields[slot + NAME_HASH] as number;
    const name = fields[slot] as number;
    const nameEnd = fields[slot + NAME_END] as number;
    const value = fields[slot + VALUE_START] as number;
    const valueEnd = fields[slot + VALUE_END] as number;
    if ((flags & NEVER_INDEXED) !== 0) {
      const inStatic = staticNameIndex(hash, bytes, name, nameEnd);
      return this.#literal(NEVER, LITERAL_MASK, inStatic, bytes, name, nameEnd, bytes, value, valueEnd);
    }
    this.#field(bytes, name, nameEnd, hash, -1, bytes, value, valueEnd);
    this.#link(head, flags, this.#ordinal);
  }

  #indexed(ordinal: number): void {
    const index = FIRST_DYNAMIC + this.#table.inserted - 1 - ordinal;
    if (index < INDEXED_MASK) this.#out[this.#at++] = INDEXED | index;
    else this.#at = putInteger(this.#out, this.#at, index, INDEXED_MASK, INDEXED);
  }

  /** Sends a field in the shortest form that its policy allows. `staticIndex` of -1: look the name up when it is needed. */
  #field(
    names: Uint8Array,
    name: number,
    nameEnd: number,
    hash: number,
    staticIndex: number,
    bytes: Uint8Array,
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
    if (isLast && table.isEntry(last, names, name, nameEnd, bytes, value, valueEnd)) {
      policy.used(slot, last);
      this.#ordinal = last;
      return this.#indexed(last);
    }
    this.#ordinal = -1;
    let index = staticIndex < 0 ? staticNameIndex(hash, names, name, nameEnd) : staticIndex;
    if (isSecret) return this.#literal(NEVER, LITERAL_MASK, index, names, name, nameEnd, bytes, value, valueEnd);
    const canEnter = table.hasRoomFor(nameEnd - name + valueEnd - value);
    const valueHash = canEnter ? hash32(bytes, value, valueEnd) | 0 : 0;
    const lineHash = Math.imul(hash, 31) ^ valueHash;
    const found = canEnter ? table.find(lineHash, names, name, nameEnd, bytes, value, valueEnd) : -1;
    if (found >= 0) {
      policy.used(slot, found);
      this.#ordinal = found;
      return this.#indexed(found);
    }
    if (index === 0 && last >= table.evicted && table.isName(last, names, name, nameEnd)) {
      index = FIRST_DYNAMIC + table.inserted - 1 - last;
    }
    if (!canEnter || !policy.admits(slot, valueHash, table.inserted, index === 0)) {
      return this.#literal(LITERAL, LITERAL_MASK, index, names, name, nameEnd, bytes, value, valueEnd);
    }
    this.#literal(KEPT, KEPT_MASK, index, names, name, nameEnd, bytes, value, valueEnd);
    this.#ordinal = table.inserted;
    table.insert(lineHash, names, name, nameEnd, bytes, value, valueEnd);
  }

  #literal(
    pattern: number,
    mask: number,
    index: number,
    names: Uint8Array,
    name: number,
    nameEnd: number,
    bytes: Uint8Array,
    value: number,
    valueEnd: number,
  ): void {
    const out = this.#out;
    let at = putInteger(out, this.#at, index, mask, pattern);
    if (index === 0) {
      at = putInteger(out, at, nameEnd - name, STRING_MASK, 0);
      for (let i = name; i < nameEnd; i++) {
        const byte = names[i] as number;
        out[at++] = byte === 0x3a ? byte : (TOKEN[byte] as number);
      }
    }
    at = putInteger(out, at, valueEnd - value, STRING_MASK, 0);
    this.#at = copyBytes(bytes, value, valueEnd, out, at);
  }
}

interface PseudoName {
  readonly bytes: Uint8Array;
  readonly hash: number;
  /** In the static table; 0: it has none. */
  readonly index: number;
}

function pseudoName(text: string): PseudoName {
  const bytes = Buffer.from(text, 'latin1');
  let hash = 0;
  for (const byte of bytes) hash = (Math.imul(hash, 31) + byte) | 0;
  return {
    bytes,
    hash,
    index: Math.max(
      0,
      STATIC_FIELDS.findIndex(([name]) => name === text),
    ),
  };
}

function indexOf(name: string, value: string): number {
  return STATIC_FIELDS.findIndex((field) => field[0] === name && field[1] === value);
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
