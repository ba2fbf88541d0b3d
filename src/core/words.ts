/**
 * Bytes compared, hashed and judged four at a time: a byte loop costs a nanosecond a byte, a call into the engine's own
 * comparison as much as seventy bytes. For ranges of a `DataView` whose array is the caller's to keep.
 */

const PRIME = 0x9e3779b1 | 0;
/** The top bit of each byte of a word. */
const TOPS = 0x80808080 | 0;
const ONES = 0x01010101;
const SPACES = 0x20202020;

/** Bytes from `aStart` and `bStart` on that are equal, at most `length`. */
export function equalBytes(a: DataView, aStart: number, b: DataView, bStart: number, length: number): number {
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    const odd = a.getInt32(aStart + i, true) ^ b.getInt32(bStart + i, true);
    if (odd !== 0) return i + ((31 - Math.clz32(odd & -odd)) >> 3);
  }
  while (i < length && a.getUint8(aStart + i) === b.getUint8(bStart + i)) i++;
  return i;
}

/** Whether `length` bytes from `aStart` and `bStart` on are equal. */
export function isEqual(a: DataView, aStart: number, b: DataView, bStart: number, length: number): boolean {
  let i = 0;
  for (; i + 16 <= length; i += 16) {
    const at = aStart + i;
    const to = bStart + i;
    const first = a.getInt32(at, true) ^ b.getInt32(to, true);
    const second = a.getInt32(at + 4, true) ^ b.getInt32(to + 4, true);
    const third = a.getInt32(at + 8, true) ^ b.getInt32(to + 8, true);
    const fourth = a.getInt32(at + 12, true) ^ b.getInt32(to + 12, true);
    if ((first | second | third | fourth) !== 0) return false;
  }
  for (; i + 4 <= length; i += 4) {
    if (a.getInt32(aStart + i, true) !== b.getInt32(bStart + i, true)) return false;
  }
  for (; i < length; i++) if (a.getUint8(aStart + i) !== b.getUint8(bStart + i)) return false;
  return true;
}

/** Copies `length` bytes, at most a few dozen: above that a call of `copyBytes` costs less. The ranges do not overlap. */
export function copyShort(from: DataView, start: number, to: DataView, at: number, length: number): void {
  if (length < 4) {
    for (let i = 0; i < length; i++) to.setUint8(at + i, from.getUint8(start + i));
    return;
  }
  const last = length - 4;
  for (let i = 0; i < last; i += 4) to.setInt32(at + i, from.getInt32(start + i, true), true);
  to.setInt32(at + last, from.getInt32(start + last, true), true);
}

/** A cheap hash, signed, for tables of this process; no defence against chosen collisions. */
export function hashOfBytes(view: DataView, start: number, end: number): number {
  let hash = end - start;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    hash = Math.imul(hash ^ view.getInt32(at, true), PRIME);
    // Multiplication carries only upwards: without this the last byte of a word would never reach the low bits.
    hash ^= hash >>> 15;
  }
  for (; at < end; at++) hash = Math.imul(hash ^ view.getUint8(at), PRIME);
  return hash ^ (hash >>> 15);
}

/** Offset of the first byte of `[start, end)` that is not printable ASCII or space; `end` when all are. */
export function printableEnd(view: DataView, start: number, end: number): number {
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const word = view.getInt32(at, true);
    // A byte above 0x7f, below 0x20, or DEL sets its top bit in one of the three terms; the lowest that is set is surely one.
    const odd = (word | (word - SPACES) | (word + ONES)) & TOPS;
    if (odd !== 0) return at + ((31 - Math.clz32(odd & -odd)) >> 3);
  }
  while (at < end && isPrintable(view.getUint8(at))) at++;
  return at;
}

function isPrintable(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f;
}
