/** Whether a condition holds for a request, after everything about its connection has become a constant. No allocation. */
import { fieldMatches, headerMatches, joinedMatches } from '../../http/match/header.ts';
import { textMatches } from '../../http/match/text.ts';
import type { Head } from '../../http/head.ts';
import type { Condition } from './condition.ts';

/** How a request is read where it can be read in several ways, and whether it can. */
export interface Reading {
  /** End of the path without its query. */
  pathEnd: number;
  /** Which of several fields of one name counts, from 0 on; -1: all of them, with commas between. */
  nth: number;
  /** The most fields of one name that a condition looked at. */
  most: number;
}

export function holds(condition: Condition, head: Head, reading: Reading): boolean {
  switch (condition.kind) {
    case 'constant':
      return condition.holds;
    case 'all':
      for (let i = 0; i < condition.of.length; i++) {
        if (!holds(condition.of[i] as Condition, head, reading)) return false; // i < length
      }
      return true;
    case 'some':
      for (let i = 0; i < condition.of.length; i++) {
        if (holds(condition.of[i] as Condition, head, reading)) return true; // i < length
      }
      return false;
    case 'not':
      return !holds(condition.of, head, reading);
    case 'header':
      return headerHolds(condition.header, head, reading);
    case 'path':
      return textMatches(condition.match, condition.value, head.bytes, head.pathStart, reading.pathEnd);
    default:
      // A condition on the connection never gets here; if one did, it would not be met.
      return false;
  }
}

function headerHolds(header: Parameters<typeof headerMatches>[0], head: Head, reading: Reading): boolean {
  const { field } = header;
  if (field === null || header.match.kind === 'present') return headerMatches(header, head);
  const first = head.find(field);
  if (first < 0) return headerMatches(header, head);
  const second = head.find(field, first);
  if (second < 0) return fieldMatches(header, head, first);
  let count = 2;
  let nth = reading.nth === 1 ? second : first;
  for (let i = head.find(field, second); i >= 0; i = head.find(field, i), count++) if (count <= reading.nth) nth = i;
  if (count > reading.most) reading.most = count;
  if (reading.nth < 0) return joinedMatches(header, head);
  return fieldMatches(header, head, reading.nth < count ? nth : first);
}
