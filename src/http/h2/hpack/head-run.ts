/** Fields that lie side by side in a head, so that one comparison with the encoder's table stands for all of them. */
import { KNOWN_HOST } from '../../h1/known-fields.ts';
import { FIELD_WIDTH, FLAGS, type Head, HOP, NEVER_INDEXED, REMOVED, VALUE_END } from '../../head.ts';

/** Behind a value. */
const LINE_END = 2;
/** Flags of fields that no run may hold. */
export const ALONE = REMOVED | HOP | NEVER_INDEXED | KNOWN_HOST;

/**
 * Whether `length` fields that a run may hold stand from index `first` on, in `bytes` bytes. Where those are the bytes of
 * as many lines, each field is one of them: fields are in order, and each is a line.
 */
export function isRun(head: Head, first: number, length: number, bytes: number): boolean {
  const { fields } = head;
  const end = first + length;
  if (end > head.count) return false;
  const start = fields[first * FIELD_WIDTH] as number;
  if ((fields[(end - 1) * FIELD_WIDTH + VALUE_END] as number) + LINE_END - start !== bytes) return false;
  let flags = 0;
  for (let i = first, slot = first * FIELD_WIDTH + FLAGS; i < end; i++, slot += FIELD_WIDTH)
    flags |= fields[slot] as number;
  return (flags & ALONE) === 0;
}

/** How many fields that a run may hold lie side by side from index `first` on, within `bytes` and at most `length`. */
export function linesWithin(head: Head, first: number, length: number, bytes: number): number {
  const { fields } = head;
  const start = fields[first * FIELD_WIDTH] as number;
  let at = start;
  let lines = 0;
  for (let i = first; lines < length && i < head.count; i++, lines++) {
    const slot = i * FIELD_WIDTH;
    const end = (fields[slot + VALUE_END] as number) + LINE_END;
    if (((fields[slot + FLAGS] as number) & ALONE) !== 0 || fields[slot] !== at || end - start > bytes) break;
    at = end;
  }
  return lines;
}
