/**
 * The field section of RFC 9112 section 5, read strictly. A line is judged when its LF has arrived and never before, so
 * that the same bytes give the same verdict however they were split into reads. Progress is kept in the head (`used`
 * is the offset of the first line that was not read yet): a head that trickles in is scanned once, not once a byte.
 */
import { printableEnd } from '../../core/words.ts';
import { FIELD_WIDTH, FLAGS, type Head, HOP, NAME_END, NAME_HASH, VALUE_END, VALUE_START } from '../head.ts';
import { TOKEN } from '../token.ts';
import { KNOWN_LOOKALIKE, KNOWN_MASK, KNOWN_SHIFT, KNOWN_SLOTS, knownBits, NOT_FORWARDED } from './known-fields.ts';
import {
  BAD_FIELD_NAME,
  BAD_FIELD_VALUE,
  BARE_CR,
  BARE_LF,
  FOLDED_FIELD,
  LOOKALIKE_FIELD,
  SPACE_BEFORE_COLON,
  TOO_MANY_FIELDS,
} from './refusal.ts';

/** What a scanner returns while the head is not complete. */
export const INCOMPLETE = 0;

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;

/**
 * Reads fields from `base + head.used` on. Returns the length of the head including its empty line, INCOMPLETE, or a
 * refusal. Offsets in the head are relative to `base`. All `bytes[i]` with `i < end` exist: the caller says so.
 */
export function scanFields(head: Head, bytes: Uint8Array, base: number, end: number, maxFields: number): number {
  let at = base + head.used;
  const view = bufferView(bytes);
  const offset = bytes.byteOffset;
  for (;;) {
    const nameStart = at;
    let hash = 0;
    let token = 0;
    while (at < end && (token = TOKEN[bytes[at] as number] as number) !== 0) {
      hash = (Math.imul(hash, 31) + token) | 0;
      at++;
    }
    if (at >= end) return INCOMPLETE;
    if (at === nameStart && bytes[at] === CR) {
      if (at + 1 >= end) return INCOMPLETE;
      return bytes[at + 1] === LF ? at + 2 - base : judge(bytes, at, end, BARE_CR);
    }
    if (bytes[at] !== COLON || at === nameStart) return judge(bytes, at, end, nameRefusal(bytes[at], at - nameStart));
    const nameEnd = at++;
    while (at < end && (bytes[at] === SPACE || bytes[at] === TAB)) at++;
    const valueStart = at;
    let byte = 0;
    for (;;) {
      at = printableEnd(view, at + offset, end + offset) - offset;
      if (at >= end) return INCOMPLETE;
      byte = bytes[at] as number;
      if (byte === CR) break;
      // What is neither visible nor space: obs-text and tab go on; NUL, DEL and the other controls end the value.
      if (byte <= 0x7f && byte !== TAB) break;
      at++;
    }
    if (byte !== CR) return judge(bytes, at, end, byte === LF ? BARE_LF : BAD_FIELD_VALUE);
    if (at + 1 >= end) return INCOMPLETE;
    if (bytes[at + 1] !== LF) return judge(bytes, at, end, BARE_CR);
    let valueEnd = at;
    while (valueEnd > valueStart && (bytes[valueEnd - 1] === SPACE || bytes[valueEnd - 1] === TAB)) valueEnd--;
    at += 2;
    const count = head.count;
    if (count >= maxFields) return TOO_MANY_FIELDS;
    // Most names are none of ours: the table says so without a call.
    const candidate = KNOWN_SLOTS[(hash >>> KNOWN_SHIFT) & KNOWN_MASK] as number;
    const known = candidate === 0 ? 0 : knownBits(candidate, hash, bytes, nameStart, nameEnd);
    if ((known & KNOWN_LOOKALIKE) !== 0) return LOOKALIKE_FIELD;
    const slot = count * FIELD_WIDTH;
    if (slot + FIELD_WIDTH > head.fields.length) head.reserveField();
    const fields = head.fields;
    fields[slot] = nameStart - base;
    fields[slot + NAME_END] = nameEnd - base;
    fields[slot + VALUE_START] = valueStart - base;
    fields[slot + VALUE_END] = valueEnd - base;
    fields[slot + NAME_HASH] = hash;
    fields[slot + FLAGS] = (known & NOT_FORWARDED) === 0 ? known : known | HOP;
    head.known |= known;
    head.count = count + 1;
    head.used = at - base;
  }
}

let lastBuffer: ArrayBufferLike = new ArrayBuffer(0);
let lastView: DataView = new DataView(lastBuffer);

/** Reads come from few buffers: nearly always it is the same one again. */
function bufferView(bytes: Uint8Array): DataView {
  const { buffer } = bytes;
  if (buffer !== lastBuffer) {
    lastBuffer = buffer;
    lastView = new DataView(buffer);
  }
  return lastView;
}

/** The refusal, once the line that earned it is complete. */
export function judge(bytes: Uint8Array, at: number, end: number, refusal: number): number {
  for (let i = at; i < end; i++) if (bytes[i] === LF) return refusal;
  return INCOMPLETE;
}

function nameRefusal(byte: number | undefined, length: number): number {
  if (byte === SPACE || byte === TAB) return length === 0 ? FOLDED_FIELD : SPACE_BEFORE_COLON;
  if (byte === LF) return BARE_LF;
  return byte === CR ? BARE_CR : BAD_FIELD_NAME;
}
