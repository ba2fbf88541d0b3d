/**
 * Reads SNI and ALPN out of a TLS ClientHello that has only been peeked at: the filter chain that they choose brings
 * the certificate, so TLS cannot begin before. Every length is checked against its enclosing one; nothing is copied.
 */

export const HELLO_INCOMPLETE = 0;
export const HELLO_INVALID = -1;

export interface ClientHello {
  /** Lower case; empty when there is none. */
  readonly serverName: string;
  readonly alpn: readonly string[];
}

/** A hello larger than this is refused: 16 KiB holds post-quantum key shares several times over. */
export const MAX_HELLO_BYTES = 16_384;
const MAX_ALPN_PROTOCOLS = 32;
const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const EXTENSION_SERVER_NAME = 0;
const EXTENSION_ALPN = 16;

/** True when these bytes can be the beginning of a TLS record of type handshake (RFC 8446 section 5.1). */
export function startsLikeTls(bytes: Uint8Array, start: number, end: number): boolean {
  return bytes[start] === HANDSHAKE && (end - start < 2 || bytes[start + 1] === 3);
}

/** The hello, HELLO_INCOMPLETE when more bytes are needed, or HELLO_INVALID. A hello may span several records. */
export function readClientHello(
  bytes: Uint8Array,
  start: number,
  end: number,
): ClientHello | typeof HELLO_INCOMPLETE | typeof HELLO_INVALID {
  const message = joinRecords(bytes, start, end);
  if (typeof message === 'number') return message;
  return readMessage(message);
}

/** The handshake message of the leading records, without their headers. */
function joinRecords(
  bytes: Uint8Array,
  start: number,
  end: number,
): Uint8Array | typeof HELLO_INCOMPLETE | typeof HELLO_INVALID {
  const parts: Uint8Array[] = [];
  let have = 0;
  let need = Number.POSITIVE_INFINITY;
  let at = start;
  for (;;) {
    if (at - start > MAX_HELLO_BYTES) return HELLO_INVALID;
    if (end - at < 5) return startsLikeTls(bytes, at, end) || at === end ? HELLO_INCOMPLETE : HELLO_INVALID;
    const length = u16(bytes, at + 3);
    if (bytes[at] !== HANDSHAKE || bytes[at + 1] !== 3 || length === 0 || length > MAX_HELLO_BYTES)
      return HELLO_INVALID;
    const stop = Math.min(at + 5 + length, end);
    parts.push(bytes.subarray(at + 5, stop));
    have += stop - at - 5;
    if (parts.length === 1 && have > 0 && bytes[at + 5] !== CLIENT_HELLO) return HELLO_INVALID;
    const first = parts[0];
    if (need === Number.POSITIVE_INFINITY && first !== undefined && first.length >= 4) {
      need = 4 + ((first[1] ?? 0) << 16) + u16(first, 2);
      if (need > MAX_HELLO_BYTES) return HELLO_INVALID;
    }
    if (have >= need) return parts.length === 1 && first !== undefined ? first : Buffer.concat(parts);
    // A peer that sends a few bytes a record is not a TLS library.
    if (parts.length > 16 || (first !== undefined && first.length < 4 && stop === at + 5 + length))
      return HELLO_INVALID;
    if (stop === end) return HELLO_INCOMPLETE;
    at = stop;
  }
}

function readMessage(m: Uint8Array): ClientHello | typeof HELLO_INVALID {
  const end = 4 + ((m[1] ?? 0) << 16) + u16(m, 2);
  let at = 4 + 2 + 32; // header, legacy_version, random
  if (at + 1 > end) return HELLO_INVALID;
  at += 1 + (m[at] ?? 0); // legacy_session_id
  if (at + 2 > end) return HELLO_INVALID;
  at += 2 + u16(m, at); // cipher_suites
  if (at + 1 > end) return HELLO_INVALID;
  at += 1 + (m[at] ?? 0); // legacy_compression_methods
  if (at === end) return { serverName: '', alpn: [] };
  if (at + 2 > end || at + 2 + u16(m, at) !== end) return HELLO_INVALID;
  at += 2;
  let serverName = '';
  let alpn: readonly string[] = [];
  while (at < end) {
    if (at + 4 > end) return HELLO_INVALID;
    const type = u16(m, at);
    const stop = at + 4 + u16(m, at + 2);
    if (stop > end) return HELLO_INVALID;
    if (type === EXTENSION_SERVER_NAME) {
      const name = readServerName(m, at + 4, stop);
      if (name === null) return HELLO_INVALID;
      serverName = name;
    } else if (type === EXTENSION_ALPN) {
      const list = readAlpn(m, at + 4, stop);
      if (list === null) return HELLO_INVALID;
      alpn = list;
    }
    at = stop;
  }
  return { serverName, alpn };
}

/** RFC 6066 section 3. Only a host name that can be one: letters, digits, dot, hyphen, underscore. */
function readServerName(m: Uint8Array, start: number, end: number): string | null {
  if (end - start < 5 || u16(m, start) !== end - start - 2 || m[start + 2] !== 0) return null;
  const length = u16(m, start + 3);
  if (length === 0 || length > 255 || start + 5 + length > end) return null;
  const name = latin1(m, start + 5, start + 5 + length).toLowerCase();
  return /^[a-z0-9._-]+$/.test(name) ? name : null;
}

/** RFC 7301 section 3.1. */
function readAlpn(m: Uint8Array, start: number, end: number): readonly string[] | null {
  if (end - start < 2 || u16(m, start) !== end - start - 2) return null;
  const list: string[] = [];
  for (let at = start + 2; at < end; ) {
    const length = m[at] ?? 0;
    if (length === 0 || at + 1 + length > end || list.length === MAX_ALPN_PROTOCOLS) return null;
    list.push(latin1(m, at + 1, at + 1 + length));
    at += 1 + length;
  }
  return list;
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return String.fromCharCode(...bytes.subarray(start, end));
}
