/**
 * Byte classes of RFC 9110 section 5.6.2 and 5.5 as tables: the scanner, the field names and everything that writes a
 * field share them, so that what is refused on the way in cannot be produced on the way out.
 */

/** For a token byte its lower-case form, else 0. */
export const TOKEN = new Uint8Array(256);
for (const c of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") TOKEN[c.charCodeAt(0)] = c.charCodeAt(0);
for (let c = 0x41; c <= 0x5a; c++) TOKEN[c] = c | 0x20;

/** 1 for a byte that may stand in a field value: visible, space, tab, obs-text. Not NUL, CR, LF, DEL or another control. */
export const FIELD_BYTE = new Uint8Array(256).fill(1, 0x20);
FIELD_BYTE[0x09] = 1;
FIELD_BYTE[0x7f] = 0;

/** 1 for a byte that may stand in a request target: visible ASCII. Not `#`: a fragment never goes over the wire (RFC 9112 section 3.2). */
export const TARGET_BYTE = new Uint8Array(256).fill(1, 0x21, 0x7f);
TARGET_BYTE[0x23] = 0;

export function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (!TOKEN[text.charCodeAt(i)]) return false;
  return text.length > 0;
}

/** Whether the range holds only bytes of this class. */
export function isAll(table: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  let i = start;
  // Four at a time: values are long, and nearly all are good.
  for (; i + 4 <= end; i += 4) {
    const first = (table[bytes[i] as number] as number) * (table[bytes[i + 1] as number] as number);
    if (first * (table[bytes[i + 2] as number] as number) * (table[bytes[i + 3] as number] as number) === 0)
      return false;
  }
  for (; i < end; i++) if (table[bytes[i] as number] === 0) return false;
  return true;
}
