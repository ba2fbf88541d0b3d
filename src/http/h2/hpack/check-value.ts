/**
 * Whether a field's value may stand in a head (RFC 9113 sections 8.2.1 and 8.3). Done once for each literal; the verdict
 * lives in the table with the entry, so that an indexed field is not looked at again.
 */
import { printableEnd } from '../../../core/words.ts';
import { isAuthority } from '../../authority.ts';
import { BAD_FIELD_VALUE, BAD_HOST, BAD_PSEUDO_FIELD, BAD_TARGET } from '../../h1/refusal.ts';
import { FIELD_BYTE, isAll, TARGET_BYTE, TOKEN } from '../../token.ts';
import { KIND, type Kind } from './field-kind.ts';

const TAB = 0x09;
const SPACE = 0x20;
/** Four at a time. */
const FIRST_VISIBLE = 0x21212121;
const HASHES = 0x23232323;
const ONES = 0x01010101;
const TOPS = 0x80808080;
const HTTP = Buffer.from('http', 'latin1');
const H2C = Buffer.from('h2c', 'latin1');
const HTTPS = Buffer.from('https', 'latin1');

/** 0, or a refusal. `view` is of `bytes`. */
export function checkValue(kind: Kind, bytes: Uint8Array, view: DataView, start: number, end: number): number {
  switch (kind) {
    case KIND.regular:
      return isFieldValue(bytes, view, start, end) ? 0 : BAD_FIELD_VALUE;
    case KIND.path:
      return isPath(bytes, view, start, end) ? 0 : BAD_TARGET;
    case KIND.authority:
      return isAuthority(bytes, start, end) ? 0 : BAD_HOST;
    case KIND.method:
      return end > start && isAll(TOKEN, bytes, start, end) ? 0 : BAD_PSEUDO_FIELD;
    case KIND.protocol:
      return isProtocol(bytes, start, end) ? 0 : BAD_PSEUDO_FIELD;
    case KIND.scheme:
      return isText(HTTP, bytes, start, end) || isText(HTTPS, bytes, start, end) ? 0 : BAD_PSEUDO_FIELD;
    case KIND.status:
      return isStatus(bytes, start, end) ? 0 : BAD_PSEUDO_FIELD;
    default:
      return BAD_PSEUDO_FIELD;
  }
}

function isFieldValue(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
  if (start === end) return true;
  return (
    !isBlank(bytes[start]) && !isBlank(bytes[end - 1]) && isAll(FIELD_BYTE, bytes, printableEnd(view, start, end), end)
  );
}

export function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB;
}

function isPath(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
  const first = start < end ? bytes[start] : 0;
  if (first === 0x2a) return end - start === 1;
  return first === 0x2f && visibleEnd(view, start, end) === end;
}

/** Offset of the first byte of `[start, end)` that may not stand in a target; `end` when all may. */
export function visibleEnd(view: DataView, start: number, end: number): number {
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const word = view.getInt32(at, true);
    const hash = word ^ HASHES;
    // As in `printableEnd`, without space; the fourth term is for a `#`. Which byte it was is left to the loop below.
    if (((word | (word - FIRST_VISIBLE) | (word + ONES) | ((hash - ONES) & ~hash)) & TOPS) !== 0) break;
  }
  while (at < end && TARGET_BYTE[view.getUint8(at)] === 1) at++;
  return at;
}

/** Any token but h2c, whose tunnel would hide requests behind this one, as in HTTP/1.1. */
function isProtocol(bytes: Uint8Array, start: number, end: number): boolean {
  if (end === start || !isAll(TOKEN, bytes, start, end)) return false;
  if (end - start !== H2C.length) return true;
  for (let i = 0; i < H2C.length; i++) if (TOKEN[bytes[start + i] as number] !== H2C[i]) return true;
  return false;
}

/** 100 to 599; 101 does not exist in HTTP/2 (RFC 9113 section 8.6). */
function isStatus(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== 3) return false;
  const hundreds = (bytes[start] as number) - 0x30;
  const tens = (bytes[start + 1] as number) - 0x30;
  const ones = (bytes[start + 2] as number) - 0x30;
  if (hundreds < 1 || hundreds > 5 || tens < 0 || tens > 9 || ones < 0 || ones > 9) return false;
  return hundreds !== 1 || tens !== 0 || ones !== 1;
}

function isText(text: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (text[i] !== bytes[start + i]) return false;
  return true;
}
