/** Integers of RFC 7541 section 5.1 on the way out. Reading stands in the decoder, which keeps its own position. */

/** `mask` is the prefix with all ones, `pattern` the bits before it. Returns the offset after the integer. */
export function putInteger(out: Uint8Array, start: number, value: number, mask: number, pattern: number): number {
  let at = start;
  if (value < mask) {
    out[at++] = pattern | value;
    return at;
  }
  out[at++] = pattern | mask;
  let rest = value - mask;
  while (rest >= 0x80) {
    out[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  out[at++] = rest;
  return at;
}
