/**
 * What a request is for: the four forms of its target (RFC 9112 section 3.2) and the Host that must agree with it. After
 * this the head has path and authority in one form whatever the client sent, and exactly the Host that goes upstream.
 */
import { isAuthority, sameAuthority } from '../authority.ts';
import { HOST } from '../field-name.ts';
import { FIELD_WIDTH, FLAGS, type Head, REMOVED, TARGET } from '../head.ts';
import { METHOD } from '../method.ts';
import { KNOWN_HOST } from './known-fields.ts';
import { BAD_HOST, BAD_TARGET, DUPLICATE_HOST, HOST_CONFLICT, MISSING_HOST } from './refusal.ts';

const SLASH = 0x2f;
const COLON = 0x3a;
const QUESTION = 0x3f;

/** 0, or a refusal. */
export function resolveTarget(head: Head): number {
  const host = (head.known & KNOWN_HOST) === 0 ? -1 : findHost(head);
  if (host === -2) return DUPLICATE_HOST;
  if (host === -1 && head.version !== 10) return MISSING_HOST;
  const hostStart = host < 0 ? 0 : head.valueStart(host);
  const hostEnd = host < 0 ? 0 : head.valueEnd(host);
  if (host >= 0 && !isAuthority(head.bytes, hostStart, hostEnd)) return BAD_HOST;
  head.authorityStart = hostStart;
  head.authorityEnd = hostEnd;
  if (head.method === METHOD.connect) return authorityForm(head, host);
  const first = head.bytes[head.pathStart];
  if (first === SLASH) {
    head.target = TARGET.origin;
    return 0;
  }
  if (first === 0x2a) {
    head.target = TARGET.asterisk;
    return head.method === METHOD.options && head.pathEnd - head.pathStart === 1 ? 0 : BAD_TARGET;
  }
  return absoluteForm(head, host);
}

/** Index; -1: none; -2: more than one. */
function findHost(head: Head): number {
  let found = -1;
  for (let i = 0, slot = FLAGS; i < head.count; i++, slot += FIELD_WIDTH) {
    if (((head.fields[slot] as number) & KNOWN_HOST) === 0) continue;
    if (found >= 0) return -2;
    found = i;
  }
  return found;
}

/** CONNECT host:port, the port required (RFC 9110 section 9.3.6). A Host without port names the same host. */
function authorityForm(head: Head, host: number): number {
  const { bytes, pathStart, pathEnd } = head;
  if (!isAuthority(bytes, pathStart, pathEnd)) return BAD_TARGET;
  let colon = pathEnd - 1;
  while (colon > pathStart && bytes[colon] !== COLON && bytes[colon] !== 0x5d) colon--;
  if (bytes[colon] !== COLON || colon === pathEnd - 1) return BAD_TARGET;
  let port = 0;
  for (let i = colon + 1; i < pathEnd; i++) port = port * 10 + (bytes[i] as number) - 0x30;
  if (host >= 0 && !sameAuthority(bytes, pathStart, pathEnd, head.authorityStart, head.authorityEnd, port)) {
    return HOST_CONFLICT;
  }
  head.target = TARGET.authority;
  head.authorityStart = pathStart;
  head.authorityEnd = pathEnd;
  head.pathStart = head.pathEnd = 0;
  return 0;
}

/**
 * `http://authority/path`, from clients that know they speak to a proxy. RFC 9112 section 3.2.2 lets a proxy ignore a
 * Host that disagrees; a Host that disagrees is how requests are made to mean two things, so it is refused.
 */
function absoluteForm(head: Head, host: number): number {
  const { bytes, pathStart, pathEnd } = head;
  const scheme = schemeOf(bytes, pathStart, pathEnd);
  if (scheme === null) return BAD_TARGET;
  const start = pathStart + scheme.length + 3;
  let end = start;
  while (end < pathEnd && bytes[end] !== SLASH && bytes[end] !== QUESTION) end++;
  if (!isAuthority(bytes, start, end)) return BAD_TARGET;
  const port = scheme === 'http' ? 80 : 443;
  if (host >= 0 && !sameAuthority(bytes, start, end, head.authorityStart, head.authorityEnd, port))
    return HOST_CONFLICT;
  head.scheme = scheme;
  head.target = TARGET.absolute;
  const isSameText = host >= 0 && head.equals(host, bytes.subarray(start, end));
  if (end === pathEnd) {
    // An OPTIONS for the whole server (RFC 9112 section 3.2.4).
    writePath(head, head.method === METHOD.options ? '*' : '/', pathEnd, pathEnd);
  } else if (bytes[end] === QUESTION) {
    writePath(head, '/', end, pathEnd);
  } else {
    head.pathStart = end;
  }
  head.authorityStart = start;
  head.authorityEnd = end;
  if (!isSameText) replaceHost(head, host);
  return 0;
}

function schemeOf(bytes: Uint8Array, start: number, end: number): 'http' | 'https' | null {
  if (startsWith(bytes, start, end, 'http://')) return 'http';
  return startsWith(bytes, start, end, 'https://') ? 'https' : null;
}

/** `lower` is in lower case; letters of the range may be in any (RFC 3986 section 3.1). */
function startsWith(bytes: Uint8Array, start: number, end: number, lower: string): boolean {
  if (end - start < lower.length) return false;
  for (let i = 0; i < lower.length; i++) {
    const byte = bytes[start + i] as number;
    if ((byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte) !== lower.charCodeAt(i)) return false;
  }
  return true;
}

/** The path becomes `prefix` and then the bytes of the range. */
function writePath(head: Head, prefix: string, start: number, end: number): void {
  head.reserve(1 + end - start);
  const at = head.used;
  head.bytes[at] = prefix.charCodeAt(0);
  head.bytes.copyWithin(at + 1, start, end);
  head.pathStart = at;
  head.pathEnd = head.used = at + 1 + end - start;
}

function replaceHost(head: Head, host: number): void {
  if (host >= 0) {
    const slot = host * FIELD_WIDTH + FLAGS;
    head.fields[slot] = (head.fields[slot] as number) | REMOVED;
  }
  const length = head.authorityEnd - head.authorityStart;
  const at = head.begin(HOST, length);
  head.bytes.copyWithin(at, head.authorityStart, head.authorityEnd);
  head.seal(at + length);
}
