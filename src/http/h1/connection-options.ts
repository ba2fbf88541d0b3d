/**
 * Connection, and the fields that it names (RFC 9110 section 7.6.1): close and keep-alive decide about the connection,
 * named fields end here. A name of `guarded-fields.ts` is end to end whatever Connection says: naming it there is how
 * `Authorization` or `X-Forwarded-For` is stripped between the check and the server, so the field stays and is forwarded.
 */
import { type FieldName, FieldName as Name } from '../field-name.ts';
import { FIELD_WIDTH, FLAGS, type Head, HOP, NAME_HASH, REMOVED } from '../head.ts';
import { TOKEN } from '../token.ts';
import { isProtected } from './guarded-fields.ts';
import { KNOWN_CONNECTION } from './known-fields.ts';
import { BAD_CONNECTION } from './refusal.ts';

const CLOSE = new Name('close');
const KEEP = new Name('keep-alive');
const UPGRADE = new Name('upgrade');
/** Bounds the work of matching names against fields. */
const MAX_OPTIONS = 32;

const COMMA = 0x2c;

/** In the result of `readConnection`. */
export const OPTION_UPGRADE = 1;

/** Sets `keepAlive`, marks what is named. Returns option bits, or a refusal. */
export function readConnection(head: Head): number {
  head.keepAlive = head.version === 11;
  if ((head.known & KNOWN_CONNECTION) === 0) return 0;
  let options = 0;
  let closes = false;
  let keeps = false;
  let count = 0;
  for (let i = 0; i < head.count; i++) {
    if (((head.fields[i * FIELD_WIDTH + FLAGS] as number) & KNOWN_CONNECTION) === 0) continue;
    const end = head.valueEnd(i);
    let at = head.valueStart(i);
    while (at < end) {
      if (isSeparator(head.bytes[at])) {
        at++;
        continue;
      }
      const start = at;
      let hash = 0;
      let token = 0;
      while (at < end && (token = TOKEN[head.bytes[at] as number] as number) !== 0) {
        hash = (Math.imul(hash, 31) + token) | 0;
        at++;
      }
      if (at === start || !endsOption(head.bytes, at, end) || ++count > MAX_OPTIONS) return BAD_CONNECTION;
      if (isOption(head, start, at, hash, CLOSE)) closes = true;
      else if (isOption(head, start, at, hash, KEEP)) keeps = true;
      else if (isOption(head, start, at, hash, UPGRADE)) options |= OPTION_UPGRADE;
      else markNamed(head, start, at, hash);
    }
  }
  head.keepAlive = !closes && (head.version === 11 || keeps);
  return options;
}

function isSeparator(byte: number | undefined): boolean {
  return byte === COMMA || byte === 0x20 || byte === 0x09;
}

/** After an option come only white space and then a comma or the end. */
function endsOption(bytes: Uint8Array, from: number, end: number): boolean {
  let at = from;
  while (at < end && (bytes[at] === 0x20 || bytes[at] === 0x09)) at++;
  return at === end || bytes[at] === COMMA;
}

function isOption(head: Head, start: number, end: number, hash: number, option: FieldName): boolean {
  return hash === option.hash && sameToken(head.bytes, start, end, option.bytes, 0, option.bytes.length);
}

function markNamed(head: Head, start: number, end: number, hash: number): void {
  const { fields, bytes } = head;
  for (let i = 0, slot = 0; i < head.count; i++, slot += FIELD_WIDTH) {
    if (fields[slot + NAME_HASH] !== hash) continue;
    const flags = fields[slot + FLAGS] as number;
    if ((flags & HOP) !== 0 || isProtected(head, i)) continue;
    if (sameToken(bytes, start, end, bytes, fields[slot] as number, fields[slot + 1] as number)) {
      // Gone for filters as well: what they see is what the next hop sees.
      fields[slot + FLAGS] = flags | HOP | REMOVED;
    }
  }
}

function sameToken(a: Uint8Array, start: number, end: number, b: Uint8Array, from: number, to: number): boolean {
  if (end - start !== to - from) return false;
  for (let i = start, k = from; i < end; i++, k++) if (TOKEN[a[i] as number] !== TOKEN[b[k] as number]) return false;
  return true;
}
