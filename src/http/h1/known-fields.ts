/**
 * The fields that the codec itself must understand, recognised by the hash that the scanner computes anyway: one table
 * look-up a field. The bit goes into the FLAGS slot and into `Head.known`, so that a head without them costs nothing.
 */
import { type FieldName, FieldName as Name } from '../field-name.ts';
import { TOKEN } from '../token.ts';

export const KNOWN_HOST = 1 << 2;
export const KNOWN_CONTENT_LENGTH = 1 << 3;
export const KNOWN_TRANSFER_ENCODING = 1 << 4;
export const KNOWN_CONNECTION = 1 << 5;
export const KNOWN_UPGRADE = 1 << 6;
export const KNOWN_TE = 1 << 7;
export const KNOWN_EXPECT = 1 << 8;
/** Means this hop and nothing else: dropped. */
export const KNOWN_HOP = 1 << 9;
/** Looks like a field that we decide to servers that read `_` as `-` (CGI names): refused. Other names with `_` are untouched. */
export const KNOWN_LOOKALIKE = 1 << 10;
/** Several of these are one for HTTP/1.1 (RFC 9113 section 8.2.3). */
export const KNOWN_COOKIE = 1 << 11;
/** Describes an HTTP/1.1 connection: malformed in HTTP/2 (RFC 9113 section 8.2.2). */
export const KNOWN_HTTP1_ONLY = 1 << 12;
const NAMES: Readonly<Record<string, number>> = {
  host: KNOWN_HOST,
  'content-length': KNOWN_CONTENT_LENGTH,
  'transfer-encoding': KNOWN_TRANSFER_ENCODING | KNOWN_HTTP1_ONLY,
  connection: KNOWN_CONNECTION | KNOWN_HTTP1_ONLY,
  upgrade: KNOWN_UPGRADE | KNOWN_HTTP1_ONLY,
  te: KNOWN_TE,
  expect: KNOWN_EXPECT,
  // RFC 9110 section 7.6.1; the proxy ones are for the first proxy only (section 11.7).
  'keep-alive': KNOWN_HOP | KNOWN_HTTP1_ONLY,
  'proxy-connection': KNOWN_HOP | KNOWN_HTTP1_ONLY,
  'proxy-authenticate': KNOWN_HOP,
  'proxy-authorization': KNOWN_HOP,
  'proxy-authentication-info': KNOWN_HOP,
  cookie: KNOWN_COOKIE,
  content_length: KNOWN_LOOKALIKE,
  transfer_encoding: KNOWN_LOOKALIKE,
  // Who calls is the proxy's to say: it drops the real name and would not see these.
  x_forwarded_client_cert: KNOWN_LOOKALIKE,
  'x_forwarded_client-cert': KNOWN_LOOKALIKE,
  'x_forwarded-client_cert': KNOWN_LOOKALIKE,
  'x_forwarded-client-cert': KNOWN_LOOKALIKE,
  'x-forwarded_client_cert': KNOWN_LOOKALIKE,
  'x-forwarded_client-cert': KNOWN_LOOKALIKE,
  'x-forwarded-client_cert': KNOWN_LOOKALIKE,
};

const names: FieldName[] = [];
const bits: number[] = [];

/** `KNOWN_SLOTS[(hash >>> KNOWN_SHIFT) & KNOWN_MASK]`: 0 for a name that is surely none of these, else a candidate for `knownBits`. */
export const KNOWN_MASK = 1023;
export const KNOWN_SLOTS = new Uint8Array(KNOWN_MASK + 1);
export const KNOWN_SHIFT = chooseShift();

for (const [text, known] of Object.entries(NAMES)) {
  const name = new Name(text);
  names.push(name);
  bits.push(known);
  KNOWN_SLOTS[(name.hash >>> KNOWN_SHIFT) & KNOWN_MASK] = names.length;
}

/** The bits of a field name, or 0. `hash` is that of the range. */
export function knownBits(candidate: number, hash: number, bytes: Uint8Array, start: number, end: number): number {
  const name = names[candidate - 1];
  if (name === undefined || name.hash !== hash || end - start !== name.bytes.length) return 0;
  for (let i = 0; i < name.bytes.length; i++) if (TOKEN[bytes[start + i] as number] !== name.bytes[i]) return 0;
  return bits[candidate - 1] ?? 0;
}

/** What makes a field mean this hop only: framing is decided anew on each side, so these are never written as they came. */
export const NOT_FORWARDED =
  KNOWN_HOP | KNOWN_CONNECTION | KNOWN_CONTENT_LENGTH | KNOWN_TRANSFER_ENCODING | KNOWN_UPGRADE | KNOWN_TE;

/** A shift under which no two names share a slot: then one comparison decides. */
function chooseShift(): number {
  const hashes = Object.keys(NAMES).map((text) => new Name(text).hash);
  for (let candidate = 0; candidate <= 22; candidate++) {
    if (new Set(hashes.map((hash) => (hash >>> candidate) & KNOWN_MASK)).size === hashes.length) return candidate;
  }
  throw new Error('the table of known fields needs more slots');
}
