/**
 * One condition on a text, compiled to bytes: what a header value, a path, a server name or a SPIFFE id is compared
 * with. It stands in `http/` because routes and filters both match.
 */
import type { Pattern } from '../regex/pattern.ts';

export interface TextMatch {
  readonly kind: 'exact' | 'prefix' | 'suffix' | 'contains' | 'regex';
  /** Of a regex, its source. */
  readonly value: string;
  readonly regex: Pattern | null;
}

/** `value` is the match's own as latin1 bytes; a regex compares the whole range. */
export function textMatches(
  match: TextMatch,
  value: Uint8Array,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  const spare = end - start - value.length;
  switch (match.kind) {
    case 'regex':
      return match.regex?.test(bytes, start, end) ?? false;
    case 'exact':
      return spare === 0 && startsAt(value, bytes, start);
    case 'prefix':
      return spare >= 0 && startsAt(value, bytes, start);
    case 'suffix':
      return spare >= 0 && startsAt(value, bytes, end - value.length);
    case 'contains':
      for (let at = start; at <= end - value.length; at++) if (startsAt(value, bytes, at)) return true;
      return false;
  }
}

function startsAt(value: Uint8Array, bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < value.length; i++) if (bytes[start + i] !== value[i]) return false;
  return true;
}
