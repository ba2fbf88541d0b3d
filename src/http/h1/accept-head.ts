/**
 * The last step from bytes to a head: what its fields mean for this hop, in the order in which a doubt must stop it.
 * Runs on the head's own copy; a head that passes has one authority, one framing and no field of the hop before it.
 */
import { FieldName } from '../field-name.ts';
import { FRAMING } from '../framing.ts';
import { FIELD_WIDTH, FLAGS, type Head, HOP, UPGRADE_STATE } from '../head.ts';
import type { Method } from '../method.ts';
import { TOKEN } from '../token.ts';
import { OPTION_UPGRADE, readConnection } from './connection-options.ts';
import { frameRequest, frameResponse } from './framing.ts';
import { mayBeTrailer } from './guarded-fields.ts';
import { KNOWN_EXPECT, KNOWN_TE, KNOWN_UPGRADE } from './known-fields.ts';
import { FORBIDDEN_TRAILER, UNKNOWN_EXPECTATION } from './refusal.ts';
import { resolveTarget } from './target.ts';

const TRAILERS = Buffer.from('trailers', 'latin1');
const CONTINUE = Buffer.from('100-continue', 'latin1');
const H2C = Buffer.from('h2c', 'latin1');
const TE = new FieldName('te');
const COMMA = 0x2c;

/** 0, or a refusal. */
export function acceptRequest(head: Head): number {
  const framing = frameRequest(head);
  if (framing !== 0) return framing;
  const options = readConnection(head);
  if (options < 0) return options;
  const target = resolveTarget(head);
  if (target !== 0) return target;
  if ((head.known & (KNOWN_TE | KNOWN_UPGRADE | KNOWN_EXPECT)) === 0) return 0;
  if ((head.known & KNOWN_TE) !== 0) keepTrailersOption(head);
  const asks = (head.known & KNOWN_UPGRADE) !== 0 && (options & OPTION_UPGRADE) !== 0;
  // A server may ignore Upgrade (RFC 9110 section 7.8): we do after content, and for h2c, which would hide requests in a tunnel.
  if (asks && head.version === 11 && head.framing === FRAMING.none && upgradeIndex(head) >= 0) {
    head.upgrade = UPGRADE_STATE.asked;
  }
  return acceptExpect(head);
}

/** The same for a response to a request of this method. */
export function acceptResponse(head: Head, method: Method): number {
  const framing = frameResponse(head, method);
  if (framing !== 0) return framing;
  const options = readConnection(head);
  if (options < 0) return options;
  if (head.framing === FRAMING.untilClose || head.framing === FRAMING.tunnel) head.keepAlive = false;
  if (head.status === 101 && (options & OPTION_UPGRADE) !== 0 && upgradeIndex(head) >= 0) {
    head.upgrade = UPGRADE_STATE.granted;
  }
  return 0;
}

export function acceptTrailers(head: Head): number {
  for (let i = 0; i < head.count; i++) if (!mayBeTrailer(head, i)) return FORBIDDEN_TRAILER;
  return 0;
}

/** Whether the request, which passed `acceptRequest`, wants a 100 before it sends content. */
export function expectsContinue(head: Head): boolean {
  return (head.known & KNOWN_EXPECT) !== 0 && head.version !== 10 && head.framing !== FRAMING.none;
}

/**
 * Once `100-continue` and nothing else (RFC 9110 section 10.1.1): servers differ in what they make of other values and of
 * lists, and those that send a 100 nobody waits for, or none to one who waits, lose track of where the content begins.
 */
export function acceptExpect(head: Head): number {
  if ((head.known & KNOWN_EXPECT) === 0) return 0;
  // Ignored in HTTP/1.0, and meaningless without content: not passed on either.
  if (!expectsContinue(head)) markAll(head, KNOWN_EXPECT);
  let seen = false;
  for (let i = 0; i < head.count; i++) {
    if (!isKnown(head, i, KNOWN_EXPECT)) continue;
    if (head.version !== 10 && (seen || !isText(head, i, CONTINUE))) return UNKNOWN_EXPECTATION;
    seen = true;
  }
  return 0;
}

/** The one Upgrade field with one protocol that may be relayed, or -1. */
function upgradeIndex(head: Head): number {
  let found = -1;
  for (let i = 0; i < head.count; i++) {
    if (!isKnown(head, i, KNOWN_UPGRADE)) continue;
    if (found >= 0 || !isProtocol(head, i) || isText(head, i, H2C)) return -1;
    found = i;
  }
  return found;
}

/** Of TE only `trailers` means the same to the next hop (RFC 9110 section 10.1.4); the rest is dropped. */
function keepTrailersOption(head: Head): void {
  let isListed = false;
  for (let i = 0; i < head.count; i++) {
    if (!isKnown(head, i, KNOWN_TE)) continue;
    if (isText(head, i, TRAILERS)) {
      const slot = i * FIELD_WIDTH + FLAGS;
      head.fields[slot] = (head.fields[slot] as number) & ~HOP;
      return;
    }
    isListed ||= lists(head, i, TRAILERS);
  }
  if (!isListed) return;
  head.append(TE, TRAILERS);
  const slot = (head.count - 1) * FIELD_WIDTH + FLAGS;
  head.fields[slot] = (head.fields[slot] as number) | KNOWN_TE;
}

/** Whether a member of the list is exactly this. */
function lists(head: Head, index: number, lower: Uint8Array): boolean {
  const { bytes } = head;
  const end = head.valueEnd(index);
  let at = head.valueStart(index);
  while (at < end) {
    while (at < end && (bytes[at] === COMMA || isSpace(bytes[at]))) at++;
    const start = at;
    while (at < end && bytes[at] !== COMMA) at++;
    let stop = at;
    while (stop > start && isSpace(bytes[stop - 1])) stop--;
    if (isRange(bytes, start, stop, lower)) return true;
  }
  return false;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09;
}

/** Whether a `TE: trailers` goes on, which the Connection of the next hop must then name. */
export function sendsTe(head: Head): boolean {
  if ((head.known & KNOWN_TE) === 0) return false;
  for (let i = 0; i < head.count; i++) {
    if (isKnown(head, i, KNOWN_TE) && ((head.fields[i * FIELD_WIDTH + FLAGS] as number) & HOP) === 0) return true;
  }
  return false;
}

function markAll(head: Head, known: number): void {
  for (let i = 0, slot = FLAGS; i < head.count; i++, slot += FIELD_WIDTH) {
    const flags = head.fields[slot] as number;
    if ((flags & known) !== 0) head.fields[slot] = flags | HOP;
  }
}

function isKnown(head: Head, index: number, known: number): boolean {
  return ((head.fields[index * FIELD_WIDTH + FLAGS] as number) & known) !== 0;
}

/** token [ "/" token ] */
function isProtocol(head: Head, index: number): boolean {
  let slashes = 0;
  let run = 0;
  for (let i = head.valueStart(index); i < head.valueEnd(index); i++) {
    const byte = head.bytes[i] as number;
    if (byte === 0x2f && run > 0 && slashes === 0) {
      slashes++;
      run = 0;
    } else if (TOKEN[byte] !== 0) run++;
    else return false;
  }
  return run > 0;
}

/** The value in any letter case. */
function isText(head: Head, index: number, lower: Uint8Array): boolean {
  return isRange(head.bytes, head.valueStart(index), head.valueEnd(index), lower);
}

function isRange(bytes: Uint8Array, start: number, end: number, lower: Uint8Array): boolean {
  if (end - start !== lower.length) return false;
  for (let i = 0; i < lower.length; i++) if (TOKEN[bytes[start + i] as number] !== lower[i]) return false;
  return true;
}
