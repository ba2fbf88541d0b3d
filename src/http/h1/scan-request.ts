/** The request line of RFC 9112 section 3, then the fields. Offsets only: what they mean is judged in `accept-request.ts`. */
import type { Head } from '../head.ts';
import { methodOf } from '../method.ts';
import { TARGET_BYTE, TOKEN } from '../token.ts';
import { BAD_REQUEST_LINE, BAD_TARGET, BAD_VERSION, UNSUPPORTED_VERSION } from './refusal.ts';
import { INCOMPLETE, judge, scanFields } from './scan-fields.ts';

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;

/** As `scanFields`, from the start line on. */
export function scanRequest(head: Head, bytes: Uint8Array, base: number, end: number, maxFields: number): number {
  if (head.used === 0) {
    const result = scanRequestLine(head, bytes, base, end);
    if (result <= 0) return result;
    head.used = result;
  }
  return scanFields(head, bytes, base, end, maxFields);
}

function scanRequestLine(head: Head, bytes: Uint8Array, base: number, end: number): number {
  let at = base;
  // One empty line before the request line is forgiven (RFC 9112 section 2.2).
  if (bytes[at] === CR) {
    if (at + 1 >= end) return INCOMPLETE;
    if (bytes[at + 1] === LF) at += 2;
  }
  const methodStart = at;
  while (at < end && TOKEN[bytes[at] as number] !== 0) at++;
  if (at >= end) return INCOMPLETE;
  if (bytes[at] !== SPACE || at === methodStart) return judge(bytes, at, end, BAD_REQUEST_LINE);
  const methodEnd = at++;
  const pathStart = at;
  while (at < end && TARGET_BYTE[bytes[at] as number] !== 0) at++;
  if (at >= end) return INCOMPLETE;
  if (bytes[at] !== SPACE) return judge(bytes, at, end, bytes[at] === CR ? BAD_REQUEST_LINE : BAD_TARGET);
  if (at === pathStart) return judge(bytes, at, end, BAD_REQUEST_LINE);
  const pathEnd = at++;
  const version = scanVersion(bytes, at, end);
  if (version <= 0) return version;
  at += 8;
  if (at >= end) return INCOMPLETE;
  if (bytes[at] !== CR) return judge(bytes, at, end, BAD_REQUEST_LINE);
  if (at + 1 >= end) return INCOMPLETE;
  if (bytes[at + 1] !== LF) return judge(bytes, at, end, BAD_REQUEST_LINE);
  head.method = methodOf(bytes, methodStart, methodEnd);
  head.methodStart = methodStart - base;
  head.methodEnd = methodEnd - base;
  head.pathStart = pathStart - base;
  head.pathEnd = pathEnd - base;
  head.version = version;
  return at + 2 - base;
}

/** `HTTP/` digit `.` digit at `at`: 10 or 11, INCOMPLETE or a refusal. Case-sensitive (RFC 9112 section 2.3). */
export function scanVersion(bytes: Uint8Array, at: number, end: number): number {
  if (end - at < 8) return judge(bytes, at, end, BAD_VERSION);
  const isHttp =
    bytes[at] === 0x48 &&
    bytes[at + 1] === 0x54 &&
    bytes[at + 2] === 0x54 &&
    bytes[at + 3] === 0x50 &&
    bytes[at + 4] === 0x2f &&
    isDigit(bytes[at + 5]) &&
    bytes[at + 6] === 0x2e &&
    isDigit(bytes[at + 7]);
  if (!isHttp) return judge(bytes, at, end, BAD_VERSION);
  const minor = bytes[at + 7];
  if (bytes[at + 5] === 0x31 && (minor === 0x30 || minor === 0x31)) return minor === 0x31 ? 11 : 10;
  return judge(bytes, at, end, UNSUPPORTED_VERSION);
}

export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}
