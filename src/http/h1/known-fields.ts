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
/** Looks like a framing field to servers that read `_` as `-` (CGI names): refused. Other names with `_` are untouched. */
export const KNOWN_LOOKALIKE = 1 << 10;
/** End to end whatever Connection says; with host, content-length and transfer-encoding it cannot be stripped by naming it there. */
export const KNOWN_PROTECTED = 1 << 11;
/** Must not arrive as a trailer: it would change framing, routing or authentication after the fact (RFC 9110 section 6.5.1). */
export const KNOWN_NOT_TRAILER = 1 << 12;

const NAMES: Readonly<Record<string, number>> = {
  host: KNOWN_HOST | KNOWN_PROTECTED | KNOWN_NOT_TRAILER,
  'content-length': KNOWN_CONTENT_LENGTH | KNOWN_PROTECTED | KNOWN_NOT_TRAILER,
  'transfer-encoding': KNOWN_TRANSFER_ENCODING | KNOWN_PROTECTED | KNOWN_NOT_TRAILER,
  connection: KNOWN_CONNECTION | KNOWN_NOT_TRAILER,
  upgrade: KNOWN_UPGRADE | KNOWN_NOT_TRAILER,
  te: KNOWN_TE | KNOWN_NOT_TRAILER,
  expect: KNOWN_EXPECT | KNOWN_NOT_TRAILER,
  // RFC 9110 section 7.6.1; the proxy ones are for the first proxy only (section 11.7).
  'keep-alive': KNOWN_HOP | KNOWN_NOT_TRAILER,
  'proxy-connection': KNOWN_HOP | KNOWN_NOT_TRAILER,
  'proxy-authenticate': KNOWN_HOP | KNOWN_NOT_TRAILER,
  'proxy-authorization': KNOWN_HOP | KNOWN_NOT_TRAILER,
  'proxy-authentication-info': KNOWN_HOP | KNOWN_NOT_TRAILER,
  content_length: KNOWN_LOOKALIKE | KNOWN_NOT_TRAILER,
  transfer_encoding: KNOWN_LOOKALIKE | KNOWN_NOT_TRAILER,
  authorization: KNOWN_PROTECTED | KNOWN_NOT_TRAILER,
  cookie: KNOWN_PROTECTED | KNOWN_NOT_TRAILER,
  'set-cookie': KNOWN_PROTECTED | KNOWN_NOT_TRAILER,
  'cache-control': KNOWN_PROTECTED | KNOWN_NOT_TRAILER,
  'content-type': KNOWN_PROTECTED | KNOWN_NOT_TRAILER,
  'content-encoding': KNOWN_PROTECTED | KNOWN_NOT_TRAILER,
  'content-range': KNOWN_PROTECTED | KNOWN_NOT_TRAILER,
  location: KNOWN_PROTECTED | KNOWN_NOT_TRAILER,
  trailer: KNOWN_PROTECTED | KNOWN_NOT_TRAILER,
  forwarded: KNOWN_PROTECTED | KNOWN_NOT_TRAILER,
  'x-forwarded-for': KNOWN_PROTECTED | KNOWN_NOT_TRAILER,
  'x-forwarded-host': KNOWN_PROTECTED | KNOWN_NOT_TRAILER,
  'x-forwarded-proto': KNOWN_PROTECTED | KNOWN_NOT_TRAILER,
  'x-forwarded-client-cert': KNOWN_PROTECTED | KNOWN_NOT_TRAILER,
  traceparent: KNOWN_PROTECTED,
  tracestate: KNOWN_PROTECTED,
};

const SLOTS = 1024;
const names: FieldName[] = [];
const bits: number[] = [];
const slots = new Uint8Array(SLOTS);
const shift = chooseShift();

for (const [text, known] of Object.entries(NAMES)) {
  const name = new Name(text);
  names.push(name);
  bits.push(known);
  slots[(name.hash >>> shift) & (SLOTS - 1)] = names.length;
}

/** The bits of a field name, or 0. `hash` is that of the range. */
export function knownBits(hash: number, bytes: Uint8Array, start: number, end: number): number {
  const slot = slots[(hash >>> shift) & (SLOTS - 1)] as number;
  if (slot === 0) return 0;
  // Safe: a slot holds 0 or an index into both lists plus one.
  const name = names[slot - 1] as FieldName;
  if (name.hash !== hash || end - start !== name.bytes.length) return 0;
  for (let i = 0; i < name.bytes.length; i++) if (TOKEN[bytes[start + i] as number] !== name.bytes[i]) return 0;
  return bits[slot - 1] as number;
}

/** A shift under which no two names share a slot: then one comparison decides. */
function chooseShift(): number {
  const hashes = Object.keys(NAMES).map((text) => new Name(text).hash);
  for (let candidate = 0; candidate <= 22; candidate++) {
    if (new Set(hashes.map((hash) => (hash >>> candidate) & (SLOTS - 1))).size === hashes.length) return candidate;
  }
  throw new Error('the table of known fields needs more slots');
}
