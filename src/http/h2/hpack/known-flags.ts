/** The FLAGS of a field by its name, as the HTTP/1.1 scanner sets them: filters and codecs see no difference. */
import { HOP } from '../../head.ts';
import {
  KNOWN_HTTP1_ONLY,
  KNOWN_LOOKALIKE,
  KNOWN_MASK,
  KNOWN_SHIFT,
  KNOWN_SLOTS,
  knownBits,
  NOT_FORWARDED,
} from '../../h1/known-fields.ts';
import { HTTP1_FIELD, LOOKALIKE_FIELD } from '../../h1/refusal.ts';

/** `hash` is that of the range. */
export function knownFlags(hash: number, bytes: Uint8Array, start: number, end: number): number {
  const candidate = KNOWN_SLOTS[(hash >>> KNOWN_SHIFT) & KNOWN_MASK] as number;
  const known = candidate === 0 ? 0 : knownBits(candidate, hash, bytes, start, end);
  return (known & NOT_FORWARDED) === 0 ? known : known | HOP;
}

/** Of a regular field: 0, or why no HTTP/2 head may have it. */
export function refusalOfName(flags: number): number {
  if ((flags & KNOWN_HTTP1_ONLY) !== 0) return HTTP1_FIELD;
  return (flags & KNOWN_LOOKALIKE) !== 0 ? LOOKALIKE_FIELD : 0;
}
