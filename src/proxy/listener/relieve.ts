/**
 * What is let go when memory is critical: the connections for which most is buffered, because their clients read slower
 * than they ask; of shared ones the fullest streams. A tenth of the buffered bytes at a time, so that one look too many costs few.
 */
import type { ActiveListener } from './active-listener.ts';
import { HttpConnection } from './http-connection.ts';
import type { Served } from './served.ts';

/** A connection with less is not what fills the memory. */
const MIN_BACKLOG = 16_384;
const SHARE = 0.1;
const WHY = 'memory is short and this client reads slowly';

export function relieve(listeners: readonly ActiveListener[]): void {
  const full: Served[] = [];
  let total = 0;
  for (const listener of listeners) {
    for (const served of listener.served) {
      if (served.backlog < MIN_BACKLOG) continue;
      full.push(served);
      total += served.backlog;
    }
  }
  full.sort((a, b) => b.backlog - a.backlog);
  let left = total * SHARE;
  for (const served of full) {
    if (left <= 0) return;
    const { backlog } = served;
    if (served instanceof HttpConnection) served.relieve(left, WHY);
    else served.cut(WHY);
    left -= backlog;
  }
}
