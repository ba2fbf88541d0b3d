/** How much of the memory that this process may have is in use: the nearer of the control group's ceiling and the heap's. */
import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';

/** What a control group allows, or Infinity: a machine's own memory is shared with others, and nobody set it for us. */
function ceilingBytes(): number {
  const bytes = process.constrainedMemory();
  return bytes > 0 && bytes < totalmem() ? bytes : Number.POSITIVE_INFINITY;
}

const ceiling = ceilingBytes();

/** 0–1. Takes about 10 µs. */
export function memoryShare(): number {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  const resident = ceiling === Number.POSITIVE_INFINITY ? 0 : process.memoryUsage.rss() / ceiling;
  return Math.max(resident, used / limit);
}
