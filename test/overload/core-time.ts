/** A clock that knows what other processes took: on a busy machine a second is not a second for everybody. */
import { existsSync, readFileSync } from 'node:fs';

const NS_PER_MS = 1e6;

/** False, or why there is nothing to be read here. */
export const noCoreTime: false | string = existsSync('/proc/self/schedstat') ? false : 'needs /proc/self/schedstat';

/** Milliseconds in which the first thread of that process had a core, or wanted none. */
export function clockOf(pid: number): () => number {
  const file = `/proc/${pid}/task/${pid}/schedstat`;
  return () => performance.now() - Number(readFileSync(file, 'latin1').split(' ')[1]) / NS_PER_MS;
}
