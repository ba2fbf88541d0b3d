/** Conditions on query parameters of a request, as Envoy's `query_parameters`: the first of a name counts, undecoded. */
import { type TextMatch, textMatches } from '../http/match/text.ts';

export interface QueryMatch {
  readonly name: Uint8Array;
  /** null: that it is there is enough. */
  readonly match: TextMatch | null;
  /** The match's own value. */
  readonly value: Uint8Array;
  /** That it is there, or that it is not; with a match always true. */
  readonly present: boolean;
}

const QUESTION = 0x3f;
const AMPERSAND = 0x26;
const EQUALS = 0x3d;
const HASH = 0x23;

/** `start` and `end` are the path with its query. */
export function queryMatches(all: readonly QueryMatch[], bytes: Uint8Array, start: number, end: number): boolean {
  let query = start;
  while (query < end && bytes[query] !== QUESTION) query++;
  for (const one of all) if (!matches(one, bytes, Math.min(query + 1, end), end)) return false;
  return true;
}

function matches(one: QueryMatch, bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; ) {
    let stop = at;
    while (stop < end && bytes[stop] !== AMPERSAND && bytes[stop] !== HASH) stop++;
    let equals = at;
    while (equals < stop && bytes[equals] !== EQUALS) equals++;
    if (isName(one.name, bytes, at, equals)) {
      if (one.match === null) return one.present;
      return textMatches(one.match, one.value, bytes, Math.min(equals + 1, stop), stop);
    }
    at = bytes[stop] === HASH ? end : stop + 1;
  }
  return one.match === null && !one.present;
}

function isName(name: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== name.length) return false;
  for (let i = 0; i < name.length; i++) if (bytes[start + i] !== name[i]) return false;
  return true;
}
