/** The status line of RFC 9112 section 4, then the fields. */
import type { Head } from '../head.ts';
import { FIELD_BYTE } from '../token.ts';
import { BAD_STATUS_LINE } from './refusal.ts';
import { INCOMPLETE, judge, scanFields } from './scan-fields.ts';
import { isDigit, scanVersion } from './scan-request.ts';

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;

/** As `scanFields`, from the start line on. */
export function scanResponse(head: Head, bytes: Uint8Array, base: number, end: number, maxFields: number): number {
  if (head.used === 0) {
    const result = scanStatusLine(head, bytes, base, end);
    if (result <= 0) return result;
    head.used = result;
  }
  return scanFields(head, bytes, base, end, maxFields);
}

function scanStatusLine(head: Head, bytes: Uint8Array, base: number, end: number): number {
  const version = scanVersion(bytes, base, end);
  if (version <= 0) return version;
  if (end - base < 13) return judge(bytes, base, end, BAD_STATUS_LINE);
  const hasStatus =
    bytes[base + 8] === SPACE && isDigit(bytes[base + 9]) && isDigit(bytes[base + 10]) && isDigit(bytes[base + 11]);
  if (!hasStatus) return judge(bytes, base, end, BAD_STATUS_LINE);
  // All four exist: at least 13 bytes were checked above.
  const status =
    ((bytes[base + 9] as number) - 0x30) * 100 +
    ((bytes[base + 10] as number) - 0x30) * 10 +
    ((bytes[base + 11] as number) - 0x30);
  if (status < 100 || status > 599) return judge(bytes, base, end, BAD_STATUS_LINE);
  let at = base + 12;
  // The space before an empty reason is required (RFC 9112 section 4), yet many servers leave it out.
  if (bytes[at] === SPACE) at++;
  else if (bytes[at] !== CR) return judge(bytes, at, end, BAD_STATUS_LINE);
  const reasonStart = at;
  while (at < end && FIELD_BYTE[bytes[at] as number] !== 0) at++;
  if (at >= end) return INCOMPLETE;
  if (bytes[at] !== CR) return judge(bytes, at, end, BAD_STATUS_LINE);
  if (at + 1 >= end) return INCOMPLETE;
  if (bytes[at + 1] !== LF) return judge(bytes, at, end, BAD_STATUS_LINE);
  head.version = version;
  head.status = status;
  head.reasonStart = reasonStart - base;
  head.reasonEnd = at - base;
  return at + 2 - base;
}
