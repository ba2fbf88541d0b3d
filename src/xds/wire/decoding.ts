/** The state that one decode carries along: where it is and how much it may still build. */
import type { Cursor } from './cursor.ts';

export interface Decoding {
  readonly cursor: Cursor;
  /** Levels of nesting that are left. */
  depth: number;
  /** Elements that are left. */
  elements: number;
  readonly onUnknown: ((path: string, fieldNumber: number) => void) | null;
}

/** Called before each list element, map entry or nested message is made. */
export function countElement(decoding: Decoding): void {
  if (--decoding.elements < 0) throw decoding.cursor.limit('too many elements');
}

/** Runs `read` within the length-delimited message at the cursor, one level deeper. */
export function descend<R>(decoding: Decoding, read: () => R): R {
  const { cursor } = decoding;
  if (--decoding.depth < 0) throw cursor.limit('messages nested too deep');
  const outer = cursor.end;
  cursor.end = cursor.delimited();
  const result = read();
  cursor.end = outer;
  decoding.depth++;
  return result;
}
