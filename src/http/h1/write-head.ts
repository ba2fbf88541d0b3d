/**
 * Writes a head as HTTP/1.1: the start line, the fields of the message in runs of untouched bytes, then the lines that
 * this hop decides (length, coding, connection). Nothing of another hop's framing is copied.
 */
import { copyBytes } from '../../core/bytes.ts';
import type { Connection } from '../../core/runtime.ts';
import { HOST, UPGRADE as UPGRADE_NAME } from '../field-name.ts';
import { FRAMING, type Framing } from '../framing.ts';
import { FIELD_WIDTH, FLAGS, type Head, HOP, REMOVED, TARGET, UPGRADE_STATE, VALUE_END } from '../head.ts';
import { sendsTe } from './accept-head.ts';
import { KNOWN_HOST } from './known-fields.ts';
import { reasonOf } from './reasons.ts';

/** What the Connection field of this hop says. */
export const PERSISTENCE = { unsaid: 0, close: 1, keepAlive: 2 } as const;
export type Persistence = (typeof PERSISTENCE)[keyof typeof PERSISTENCE];

/** More than all lines that can be added, but for the ranges of the head in them: the usual reason, length, coding, connection. */
const ADDED_BYTES = 256;
/** `Connection.reserve` gives at most 64 KiB; larger heads go through a buffer of their own. */
const MAX_RESERVE = 65_536;

const VERSION = ascii('HTTP/1.1 ');
const REQUEST_END = ascii(' HTTP/1.1\r\n');
const HOST_IS = ascii('host: ');
const CONTENT_LENGTH = ascii('content-length: ');
const CHUNKED = ascii('transfer-encoding: chunked\r\n');
const CLOSE = ascii('connection: close\r\n');
const KEEP_ALIVE = ascii('connection: keep-alive\r\n');
const TE = ascii('connection: te\r\n');
const UPGRADE = ascii('connection: upgrade\r\nupgrade: ');

const CR = 0x0d;
const LF = 0x0a;

/** `contentLength` is written when it is not negative and the framing is not chunked. */
export function writeHead(
  connection: Connection,
  head: Head,
  framing: Framing,
  contentLength: number,
  persistence: Persistence,
): void {
  const bound = head.used + head.count * 2 + head.authorityEnd - head.authorityStart + ADDED_BYTES;
  if (bound <= MAX_RESERVE) {
    const at = connection.reserve(bound);
    connection.commit(encodeHead(head, framing, contentLength, persistence, connection.out, at));
    return;
  }
  const bytes = new Uint8Array(bound);
  connection.write(bytes, 0, encodeHead(head, framing, contentLength, persistence, bytes, 0));
}

/** Trailer fields and the empty line after them. */
export function writeTrailers(connection: Connection, fields: Head): void {
  const bound = fields.used + fields.count * 2 + 2;
  const isSmall = bound <= MAX_RESERVE;
  const at = isSmall ? connection.reserve(bound) : 0;
  const out = isSmall ? connection.out : new Uint8Array(bound);
  const end = endLine(out, writeFields(fields, out, at));
  if (isSmall) connection.commit(end);
  else connection.write(out, 0, end);
}

/** Returns the offset after the head. `out` has room. */
export function encodeHead(
  head: Head,
  framing: Framing,
  contentLength: number,
  persistence: Persistence,
  out: Uint8Array,
  start: number,
): number {
  const isRequest = head.status === 0;
  let at = isRequest ? writeRequestLine(head, out, start) : writeStatusLine(head, out, start);
  if (isRequest && (head.known & KNOWN_HOST) === 0 && head.find(HOST) < 0) at = writeHost(head, out, at);
  at = writeFields(head, out, at);
  if (framing === FRAMING.chunked) at = put(out, at, CHUNKED);
  else if (contentLength >= 0) at = endLine(out, putNumber(out, put(out, at, CONTENT_LENGTH), contentLength));
  const upgrade = head.upgrade === UPGRADE_STATE.granted ? head.find(UPGRADE_NAME) : -1;
  if (upgrade >= 0) {
    at = put(out, at, UPGRADE);
    at = endLine(out, copyBytes(head.bytes, head.valueStart(upgrade), head.valueEnd(upgrade), out, at));
  } else if (persistence === PERSISTENCE.close) at = put(out, at, CLOSE);
  else if (persistence === PERSISTENCE.keepAlive) at = put(out, at, KEEP_ALIVE);
  if (isRequest && sendsTe(head)) at = put(out, at, TE);
  return endLine(out, at);
}

function writeRequestLine(head: Head, out: Uint8Array, start: number): number {
  let at = copyBytes(head.bytes, head.methodStart, head.methodEnd, out, start);
  out[at++] = 0x20;
  at =
    head.target === TARGET.authority
      ? copyBytes(head.bytes, head.authorityStart, head.authorityEnd, out, at)
      : copyBytes(head.bytes, head.pathStart, head.pathEnd, out, at);
  return put(out, at, REQUEST_END);
}

function writeStatusLine(head: Head, out: Uint8Array, start: number): number {
  let at = putNumber(out, put(out, start, VERSION), head.status);
  out[at++] = 0x20;
  if (head.reasonEnd > head.reasonStart) at = copyBytes(head.bytes, head.reasonStart, head.reasonEnd, out, at);
  else at = put(out, at, reasonOf(head.status));
  return endLine(out, at);
}

/**
 * Required of every request (RFC 9112 section 3.2): from the authority of a request that came over HTTP/2, empty for one
 * of HTTP/1.0 that named none.
 */
function writeHost(head: Head, out: Uint8Array, start: number): number {
  const at = put(out, start, HOST_IS);
  return endLine(out, copyBytes(head.bytes, head.authorityStart, head.authorityEnd, out, at));
}

/** Fields that lie side by side in the head are copied at once; each run ends before its CRLF, so spaces at the end of a line are lost. */
function writeFields(head: Head, out: Uint8Array, start: number): number {
  const { bytes, fields } = head;
  let at = start;
  let runStart = 0;
  let runEnd = 0;
  for (let i = 0, slot = 0; i < head.count; i++, slot += FIELD_WIDTH) {
    if (((fields[slot + FLAGS] as number) & (REMOVED | HOP)) !== 0) continue;
    const nameStart = fields[slot] as number;
    if (nameStart !== runEnd + 2 || runEnd === 0) {
      if (runEnd > 0) at = endLine(out, copyBytes(bytes, runStart, runEnd, out, at));
      runStart = nameStart;
    }
    runEnd = fields[slot + VALUE_END] as number;
  }
  return runEnd > 0 ? endLine(out, copyBytes(bytes, runStart, runEnd, out, at)) : at;
}

function put(out: Uint8Array, start: number, bytes: Uint8Array): number {
  for (let i = 0; i < bytes.length; i++) out[start + i] = bytes[i] as number;
  return start + bytes.length;
}

function endLine(out: Uint8Array, at: number): number {
  out[at] = CR;
  out[at + 1] = LF;
  return at + 2;
}

function putNumber(out: Uint8Array, start: number, value: number): number {
  let digits = 1;
  for (let bound = 10; value >= bound; bound *= 10) digits++;
  let rest = value;
  for (let at = start + digits - 1; at >= start; at--) {
    out[at] = 0x30 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  return start + digits;
}

function ascii(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}
