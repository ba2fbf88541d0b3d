/**
 * Where a message ends: the one table by which both sides of this proxy decide it, in both directions, and nothing else
 * does. What comes in is judged by RFC 9112 section 6.3 without its lenient branches; what goes out is framed anew from
 * the decision, never copied. `framing.test.ts` has a case for each row. TE: Transfer-Encoding, CL: Content-Length, –: none.
 *
 *  In: a request          TE                      CL                          →
 *  Q1   HTTP/1.0          any                     any or –                    400
 *  Q2                     any                     any                         400
 *  Q3                     `chunked`, once         –                           chunked
 *  Q4                     a list up to `chunked`  –                           501
 *  Q5                     anything else           –                           400 (two fields, identity, a tab, odd bytes)
 *  Q6                     –                       two fields, equal or not    400
 *  Q7                     –                       not 1*16DIGIT below 2^53    400 (sign, list, space, tab, hex, empty)
 *  Q8                     –                       0                           none
 *  Q9                     –                       more                        length (leading zeros count as digits)
 *  Q10                    –                       –                           none
 *  Q11  CONNECT, TRACE    as Q3, or               as Q9                       400
 *
 *  In: a response         (✗: its stream is reset, its connection destroyed)
 *  S1   any               as Q1, Q2, Q4 to Q7                                 ✗
 *  S2   1xx, 204, 2xx to CONNECT    as Q3, or     as Q9                       ✗
 *  S3   1xx but 101, 204  –                       0 or –                      none
 *  S4   101, 2xx to CONNECT  –                    0 or –                      tunnel (101: ✗ unless asked, `client.ts`)
 *  S5   304, or to HEAD   as Q3, or               any or –                    none; CL tells of what was left out
 *  S6                     as Q3                   –                           chunked
 *  S7                     –                       0 / more                    none / length
 *  S8                     –                       –                           until close; FIN ends it, RST cuts it short
 *  S9   1xx in HTTP/1.0   any                     any                         ✗ (RFC 9110 section 15.2: it has none)
 *
 *  Out: a request                                                             →
 *  U1   whole with its head, POST PUT PATCH or CL said: 0                     CL 0
 *  U2   whole with its head, others                                           nothing
 *  U3   length known                                                          CL; more or less than that: reset
 *  U4   length unknown                                                        chunked
 *
 *  Out: a response                                                            →
 *  D1   1xx, 204, 101, 2xx to CONNECT                                         nothing
 *  D2   304, or to HEAD                                                       CL where it is known
 *  D3   whole with its head                                                   CL 0
 *  D4   length known                                                          CL; more or less than that: reset
 *  D5   length unknown, to HTTP/1.1                                           chunked
 *  D6   length unknown, to HTTP/1.0                                           until close
 *
 * Over HTTP/2 there is nothing to choose: END_STREAM ends a message, content-length must agree with it, and TE or any
 * field of a connection makes it malformed (RFC 9113 section 8.1.1), so H2.CL and H2.TE end in the codec beside this one.
 */
import { FRAMING, type Framing } from '../framing.ts';
import { FIELD_WIDTH, FLAGS, type Head, NAME_END } from '../head.ts';
import { METHOD, type Method } from '../method.ts';
import { TOKEN } from '../token.ts';
import { KNOWN_CONTENT_LENGTH, KNOWN_TRANSFER_ENCODING } from './known-fields.ts';
import {
  BAD_CONTENT_LENGTH,
  BAD_TRANSFER_ENCODING,
  CODING_IN_HTTP10,
  CONTENT_NOT_ALLOWED,
  DUPLICATE_CONTENT_LENGTH,
  INTERIM_IN_HTTP10,
  LENGTH_AND_CODING,
  UNKNOWN_CODING,
} from './refusal.ts';

const FRAMING_FIELDS = KNOWN_CONTENT_LENGTH | KNOWN_TRANSFER_ENCODING;
const CHUNKED = Buffer.from('chunked', 'latin1');
const COMMA = 0x2c;
const SPACE = 0x20;
const TAB = 0x09;
/** 2^53 - 1 has 16 digits; leading zeros count, so that the bound is on bytes too. */
const MAX_DIGITS = 16;

/** Sets `framing` and `contentLength`. Returns 0 or a refusal. */
export function frameRequest(head: Head): number {
  if ((head.known & FRAMING_FIELDS) === 0) return 0;
  const refusal = readFramingFields(head);
  if (refusal !== 0) return refusal;
  const hasContent = head.framing === FRAMING.chunked || head.contentLength > 0;
  // RFC 9110 sections 9.3.6 and 9.3.8.
  if (hasContent && (head.method === METHOD.connect || head.method === METHOD.trace)) return CONTENT_NOT_ALLOWED;
  return 0;
}

/** The same for a response to a request of this method. 101 is checked against the request by the client. */
export function frameResponse(head: Head, method: Method): number {
  const status = head.status;
  if (status < 200 && head.version === 10) return INTERIM_IN_HTTP10;
  if ((head.known & FRAMING_FIELDS) !== 0) {
    const refusal = readFramingFields(head);
    if (refusal !== 0) return refusal;
  }
  if (isBodiless(status, method)) {
    // After HEAD and 304 the fields tell of the content that was left out (RFC 9110 section 8.6); elsewhere they lie.
    const mayTell = status === 304 || (method === METHOD.head && status >= 200 && status !== 204);
    if (!mayTell && (head.framing === FRAMING.chunked || head.contentLength > 0)) return CONTENT_NOT_ALLOWED;
    head.framing = isTunnel(status, method) ? FRAMING.tunnel : FRAMING.none;
    return 0;
  }
  if (head.framing === FRAMING.none && head.contentLength < 0) head.framing = FRAMING.untilClose;
  return 0;
}

/** The framing with which a request is written; `contentLength` of the head says the length. */
export function framingOfRequest(head: Head, last: boolean): Framing {
  if (last) return FRAMING.none;
  return head.contentLength >= 0 ? FRAMING.length : FRAMING.chunked;
}

/** Whether a request without content says so: where the method expects content (RFC 9110 section 8.6), or it was said. */
export function tellsEmptyRequest(head: Head): boolean {
  const { method } = head;
  return head.contentLength === 0 || method === METHOD.post || method === METHOD.put || method === METHOD.patch;
}

/** The framing with which a response is written to a client of this version (10 or 11) and request method. */
export function framingOfResponse(head: Head, method: Method, clientVersion: number, last: boolean): Framing {
  if (isBodiless(head.status, method)) return isTunnel(head.status, method) ? FRAMING.tunnel : FRAMING.none;
  if (last || head.contentLength >= 0) return FRAMING.length;
  return clientVersion === 10 ? FRAMING.untilClose : FRAMING.chunked;
}

/** No content follows such a head, whatever its fields say (RFC 9112 section 6.3, rules 1 and 2). */
export function isBodiless(status: number, method: Method): boolean {
  return status < 200 || status === 204 || status === 304 || method === METHOD.head || isTunnel(status, method);
}

export function isTunnel(status: number, method: Method): boolean {
  return status === 101 || (method === METHOD.connect && status >= 200 && status <= 299);
}

/** Judges length and coding alone, and sets `framing` and `contentLength` by them. Returns 0 or a refusal. */
export function readFramingFields(head: Head): number {
  const hasCoding = (head.known & KNOWN_TRANSFER_ENCODING) !== 0;
  const hasLength = (head.known & KNOWN_CONTENT_LENGTH) !== 0;
  if (hasCoding && head.version === 10) return CODING_IN_HTTP10;
  if (hasCoding && hasLength) return LENGTH_AND_CODING;
  let seen = false;
  for (let i = 0, slot = FLAGS; i < head.count; i++, slot += FIELD_WIDTH) {
    if (((head.fields[slot] as number) & FRAMING_FIELDS) === 0) continue;
    if (seen) return hasCoding ? BAD_TRANSFER_ENCODING : DUPLICATE_CONTENT_LENGTH;
    seen = true;
    if (hasTab(head, i)) return hasCoding ? BAD_TRANSFER_ENCODING : BAD_CONTENT_LENGTH;
    const refusal = hasCoding ? readCoding(head, i) : readLength(head, i);
    if (refusal !== 0) return refusal;
  }
  return 0;
}

/** A tab beside the value is optional white space, and yet llhttp among others does not see `chunked` before one. */
function hasTab(head: Head, index: number): boolean {
  const { bytes } = head;
  for (let i = (head.fields[index * FIELD_WIDTH + NAME_END] as number) + 1; i < head.valueStart(index); i++) {
    if (bytes[i] === TAB) return true;
  }
  let at = head.valueEnd(index);
  while (bytes[at] === SPACE) at++;
  return bytes[at] === TAB;
}

function readCoding(head: Head, index: number): number {
  const start = head.valueStart(index);
  const end = head.valueEnd(index);
  if (endsInChunked(head.bytes, start, end)) {
    if (end - start === CHUNKED.length) {
      head.framing = FRAMING.chunked;
      return 0;
    }
    // A list whose last coding is chunked is well formed, we only do not know the others (RFC 9112 section 6.1: 501).
    if (isCodingList(head.bytes, start, end - CHUNKED.length)) return UNKNOWN_CODING;
  }
  return BAD_TRANSFER_ENCODING;
}

function endsInChunked(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < CHUNKED.length) return false;
  const from = end - CHUNKED.length;
  for (let i = 0; i < CHUNKED.length; i++) if (TOKEN[bytes[from + i] as number] !== CHUNKED[i]) return false;
  return true;
}

/** `gzip, deflate,` and nothing that is odd, empty or chunked twice. */
function isCodingList(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    const from = at;
    while (at < end && TOKEN[bytes[at] as number] !== 0) at++;
    if (at === from || (at - from === CHUNKED.length && endsInChunked(bytes, from, at))) return false;
    if (at >= end || bytes[at] !== COMMA) return false;
    at++;
    while (at < end && bytes[at] === 0x20) at++;
  }
  return true;
}

function readLength(head: Head, index: number): number {
  const start = head.valueStart(index);
  const end = head.valueEnd(index);
  if (end === start || end - start > MAX_DIGITS) return BAD_CONTENT_LENGTH;
  let length = 0;
  for (let i = start; i < end; i++) {
    const digit = (head.bytes[i] as number) - 0x30;
    if (digit < 0 || digit > 9) return BAD_CONTENT_LENGTH;
    length = length * 10 + digit;
  }
  if (!Number.isSafeInteger(length)) return BAD_CONTENT_LENGTH;
  head.contentLength = length;
  if (length > 0) head.framing = FRAMING.length;
  return 0;
}
