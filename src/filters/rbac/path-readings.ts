/**
 * The other ways in which an application may read a path. A proxy that compares one spelling and an application that
 * serves another is how access rules are walked around (CVE-2019-9901: dot segments; CVE-2021-29492: encoded slashes;
 * CVE-2026-73551 and -73553: parameters behind a semicolon). The path goes on to the application as it came.
 */
import type { Head } from '../../http/head.ts';

const SLASH = 0x2f;
const BACKSLASH = 0x5c;
const DOT = 0x2e;
const PERCENT = 0x25;
const SEMICOLON = 0x3b;
const QUERY = 0x3f;
const FRAGMENT = 0x23;

/** Readings besides the path as it came. */
export const PATH_READINGS = 2;

/** Bytes that end a path, and those that some parser takes for something else. */
const ENDS = 1;
const ODD = 2;
const CLASS = new Uint8Array(256);
CLASS[QUERY] = CLASS[FRAGMENT] = ENDS;
CLASS[PERCENT] = CLASS[SEMICOLON] = CLASS[BACKSLASH] = ODD;

/** Where the path ends: before its query, and before a fragment, which a codec refuses and some parsers cut off. */
export function endOfPath({ bytes, pathStart, pathEnd }: Head): number {
  for (let at = pathStart; at < pathEnd; at++) if (CLASS[bytes[at] as number] === ENDS) return at;
  return pathEnd;
}

/** Whether a parser might see another path than the bytes say: escapes, parameters, backslashes, empty or dot segments. */
export function isAmbiguous({ bytes, pathStart }: Head, end: number): boolean {
  let last = 0;
  for (let at = pathStart; at < end; at++) {
    const byte = bytes[at] as number; // at < length
    if (CLASS[byte] === ODD || (last === SLASH && (byte === SLASH || byte === DOT))) return true;
    last = byte;
  }
  return false;
}

/**
 * Writes reading `which` of the path behind the used bytes of the head, its query as it is, and returns its end. It is
 * never longer than the path. 0: RFC 3986 section 6.2.2, escapes of unreserved characters and dot segments resolved.
 * 1: what lenient servers make of it, parameters dropped, everything unescaped, backslashes and runs of slashes one slash.
 */
export function writeReading(which: number, head: Head): number {
  const { pathStart, pathEnd } = head;
  head.reserve(pathEnd - pathStart);
  const { bytes, used } = head;
  const lenient = which === 1;
  let out = used;
  let at = pathStart;
  let inParameters = false;
  while (at < pathEnd && bytes[at] !== QUERY) {
    let byte = bytes[at++] as number; // at < pathEnd
    if (lenient) {
      if (byte === SLASH || byte === BACKSLASH) inParameters = false;
      else if (byte === SEMICOLON) inParameters = true;
      if (inParameters) continue;
    }
    if (byte === PERCENT && at + 2 <= pathEnd) {
      const escaped = (hexDigit(bytes[at]) << 4) | hexDigit(bytes[at + 1]);
      if (escaped >= 0 && (lenient || isUnreserved(escaped))) {
        byte = escaped;
        at += 2;
      }
    }
    if (lenient && byte === BACKSLASH) byte = SLASH;
    if (byte === SLASH) out = endSegment(bytes, used, out, lenient);
    else bytes[out++] = byte;
  }
  out = withoutDots(bytes, used, out);
  while (at < pathEnd) bytes[out++] = bytes[at++] as number; // at < pathEnd
  return out;
}

/** A slash comes behind [start, out): resolves the segment that it ends. */
function endSegment(bytes: Uint8Array, start: number, out: number, merge: boolean): number {
  const end = withoutDots(bytes, start, out);
  if (end !== out) return end;
  if (merge && out > start && bytes[out - 1] === SLASH) return out;
  bytes[out] = SLASH;
  return out + 1;
}

/** Takes a last segment of `.` or `..` away, the latter with the segment before it; else returns `out`. */
function withoutDots(bytes: Uint8Array, start: number, out: number): number {
  const isDot = (at: number): boolean => at > start && bytes[at] === DOT;
  if (isDot(out - 1) && bytes[out - 2] === SLASH) return out - 1;
  if (!isDot(out - 1) || !isDot(out - 2) || bytes[out - 3] !== SLASH) return out;
  let at = out - 3;
  while (at > start && bytes[at - 1] !== SLASH) at--;
  // At the root there is nothing above.
  return Math.max(at, start + 1);
}

function hexDigit(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** RFC 3986 section 2.3. */
function isUnreserved(byte: number): boolean {
  const lower = byte | 0x20;
  if ((lower >= 0x61 && lower <= 0x7a) || (byte >= 0x30 && byte <= 0x39)) return true;
  return byte === 0x2d || byte === DOT || byte === 0x5f || byte === 0x7e;
}
