/**
 * What must hold of a head as a whole, once its last field is read (RFC 9113 section 8.3): the counterpart of
 * `h1/accept-head.ts`. A head that passes has one authority and one Host that says the same, one Cookie at most, and a
 * content length that is a number.
 */
import { isAuthority, sameAuthority } from '../../authority.ts';
import { FieldName, UPGRADE } from '../../field-name.ts';
import { readFramingFields } from '../../h1/framing.ts';
import { mayBeTrailer } from '../../h1/guarded-fields.ts';
import { KNOWN_CONTENT_LENGTH, KNOWN_COOKIE, KNOWN_HOST, KNOWN_TE, KNOWN_UPGRADE } from '../../h1/known-fields.ts';
import {
  BAD_HOST,
  BAD_PSEUDO_FIELD,
  BAD_TARGET,
  BAD_TE,
  CONTENT_NOT_ALLOWED,
  DUPLICATE_HOST,
  FORBIDDEN_TRAILER,
  HOST_CONFLICT,
  MISSING_HOST,
  MISSING_PSEUDO_FIELD,
} from '../../h1/refusal.ts';
import { FIELD_WIDTH, FLAGS, type Head, HOP, NEVER_INDEXED, REMOVED, TARGET, UPGRADE_STATE } from '../../head.ts';
import { METHOD } from '../../method.ts';
import { KIND } from './field-kind.ts';

/** Bits of the pseudo-header fields that came. */
const METHOD_BIT = 1 << KIND.method;
const SCHEME_BIT = 1 << KIND.scheme;
const PATH_BIT = 1 << KIND.path;
const AUTHORITY_BIT = 1 << KIND.authority;
const STATUS_BIT = 1 << KIND.status;
const PROTOCOL_BIT = 1 << KIND.protocol;
const REQUEST_BITS = METHOD_BIT | SCHEME_BIT | PATH_BIT;

const COOKIE = new FieldName('cookie');
const TRAILERS = Buffer.from('trailers', 'latin1');
const GET = Buffer.from('GET', 'latin1');
const ASTERISK = 0x2a;

/**
 * 0, or a refusal. `seen` has a bit for each kind that came, `twice` the known bits of regular fields that came more than
 * once; `protocolStart` and `protocolEnd` are the value of `:protocol`.
 */
export function completeRequest(
  head: Head,
  seen: number,
  twice: number,
  protocolStart: number,
  protocolEnd: number,
): number {
  if ((seen & STATUS_BIT) !== 0) return BAD_PSEUDO_FIELD;
  if (head.method === METHOD.connect && (seen & PROTOCOL_BIT) === 0) {
    // RFC 9113 section 8.5: these two must be omitted.
    if ((seen & (SCHEME_BIT | PATH_BIT)) !== 0) return BAD_PSEUDO_FIELD;
    if ((seen & AUTHORITY_BIT) === 0) return MISSING_PSEUDO_FIELD;
    if (!hasPort(head)) return BAD_TARGET;
    head.target = TARGET.authority;
  } else {
    if ((seen & REQUEST_BITS) !== REQUEST_BITS) return MISSING_PSEUDO_FIELD;
    if (head.bytes[head.pathStart] === ASTERISK) {
      if (head.method !== METHOD.options) return BAD_TARGET;
      head.target = TARGET.asterisk;
    }
  }
  const known = head.known;
  if ((seen & AUTHORITY_BIT) === 0 || (known & KNOWN_HOST) !== 0) {
    const host = settleHost(head, (seen & AUTHORITY_BIT) !== 0);
    if (host !== 0) return host;
  }
  head.known |= KNOWN_HOST;
  if ((seen & PROTOCOL_BIT) !== 0) {
    if (head.method !== METHOD.connect || (seen & AUTHORITY_BIT) === 0) return BAD_PSEUDO_FIELD;
    askForUpgrade(head, protocolStart, protocolEnd);
  }
  if (((known & (KNOWN_TE | KNOWN_CONTENT_LENGTH)) | twice) === 0) return 0;
  if ((known & KNOWN_TE) !== 0 && !keepsTrailersOption(head)) return BAD_TE;
  if ((twice & KNOWN_COOKIE) !== 0) joinCookies(head);
  if ((known & KNOWN_CONTENT_LENGTH) === 0) return 0;
  const refusal = readFramingFields(head);
  if (refusal !== 0) return refusal;
  // RFC 9110 sections 9.3.6 and 9.3.8, as for HTTP/1.1.
  const isBare = head.method === METHOD.connect || head.method === METHOD.trace;
  return isBare && head.contentLength > 0 ? CONTENT_NOT_ALLOWED : 0;
}

/** The same for a response. What its content length means depends on the request, which the connection knows. */
export function completeResponse(head: Head, seen: number): number {
  if (seen !== STATUS_BIT) return (seen & STATUS_BIT) === 0 ? MISSING_PSEUDO_FIELD : BAD_PSEUDO_FIELD;
  return (head.known & KNOWN_CONTENT_LENGTH) === 0 ? 0 : readFramingFields(head);
}

export function completeTrailers(fields: Head, seen: number): number {
  if (seen !== 0) return BAD_PSEUDO_FIELD;
  for (let i = 0; i < fields.count; i++) if (!mayBeTrailer(fields, i)) return FORBIDDEN_TRAILER;
  return 0;
}

/** `:authority` stands in the head as the first Host; another one must agree with it and goes. */
function settleHost(head: Head, hasAuthority: boolean): number {
  let hosts = 0;
  for (let i = 0, slot = FLAGS; i < head.count; i++, slot += FIELD_WIDTH) {
    const flags = head.fields[slot] as number;
    if ((flags & KNOWN_HOST) === 0) continue;
    const start = head.valueStart(i);
    const end = head.valueEnd(i);
    if (++hosts === 1) {
      if (!hasAuthority && !isAuthority(head.bytes, start, end)) return BAD_HOST;
      head.authorityStart = start;
      head.authorityEnd = end;
      continue;
    }
    if (!hasAuthority || hosts > 2) return DUPLICATE_HOST;
    if (!isAuthority(head.bytes, start, end)) return BAD_HOST;
    const port = head.scheme === 'https' ? 443 : 80;
    if (!sameAuthority(head.bytes, head.authorityStart, head.authorityEnd, start, end, port)) return HOST_CONFLICT;
    head.fields[slot] = flags | REMOVED;
  }
  return hosts === 0 ? MISSING_HOST : 0;
}

/** A tunnel needs one (RFC 9110 section 9.3.6). The authority is well formed: after a port's colon come digits. */
function hasPort(head: Head): boolean {
  let at = head.authorityEnd;
  while (at > head.authorityStart && ((head.bytes[at - 1] as number) - 0x30) >>> 0 < 10) at--;
  return at < head.authorityEnd && head.bytes[at - 1] === 0x3a;
}

/** An extended CONNECT (RFC 8441 section 4) is, inside, the request for an upgrade that it is in HTTP/1.1. */
function askForUpgrade(head: Head, start: number, end: number): void {
  const at = head.begin(UPGRADE, end - start + GET.length);
  head.bytes.copyWithin(at, start, end);
  head.seal(at + end - start);
  const flags = (head.count - 1) * FIELD_WIDTH + FLAGS;
  head.fields[flags] = HOP | KNOWN_UPGRADE;
  head.known |= KNOWN_UPGRADE;
  head.upgrade = UPGRADE_STATE.asked;
  head.reserve(GET.length);
  head.methodStart = head.used;
  head.bytes.set(GET, head.used);
  head.methodEnd = head.used += GET.length;
  head.method = METHOD.get;
}

/** Of TE only `trailers` may come (RFC 9113 section 8.2.2), and it means the same to the next hop. */
function keepsTrailersOption(head: Head): boolean {
  for (let i = 0, slot = FLAGS; i < head.count; i++, slot += FIELD_WIDTH) {
    const flags = head.fields[slot] as number;
    if ((flags & KNOWN_TE) === 0) continue;
    if (!head.equals(i, TRAILERS)) return false;
    head.fields[slot] = flags & ~HOP;
  }
  return true;
}

/** Crumbs become one field (RFC 9113 section 8.2.3), which everything behind the codec can rely on. */
function joinCookies(head: Head): void {
  let room = 0;
  let isSecret = 0;
  for (let i = 0, slot = FLAGS; i < head.count; i++, slot += FIELD_WIDTH) {
    if (((head.fields[slot] as number) & KNOWN_COOKIE) === 0) continue;
    room += head.valueEnd(i) - head.valueStart(i) + 2;
    isSecret |= (head.fields[slot] as number) & NEVER_INDEXED;
  }
  const start = head.begin(COOKIE, room);
  let at = start;
  for (let i = 0, slot = FLAGS; i < head.count; i++, slot += FIELD_WIDTH) {
    const flags = head.fields[slot] as number;
    if ((flags & KNOWN_COOKIE) === 0) continue;
    // An empty crumb would leave a space at the edge of the value.
    if (at > start && head.valueEnd(i) > head.valueStart(i)) {
      head.bytes[at++] = 0x3b;
      head.bytes[at++] = 0x20;
    }
    head.bytes.copyWithin(at, head.valueStart(i), head.valueEnd(i));
    at += head.valueEnd(i) - head.valueStart(i);
    head.fields[slot] = flags | REMOVED;
  }
  head.seal(at);
  head.fields[(head.count - 1) * FIELD_WIDTH + FLAGS] = KNOWN_COOKIE | isSecret;
}
