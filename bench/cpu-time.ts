/** CPU time of processes as the kernel accounts it, all threads included; and their memory. */
import { readdirSync, readFileSync } from 'node:fs';

/** Microseconds on a CPU since each process began, summed. */
export function cpuMicros(pids: readonly number[]): number {
  let nanos = 0;
  for (const pid of pids) {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      nanos += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
    }
  }
  return nanos / 1000;
}

/** Resident memory in MiB, summed. */
export function rssMib(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const [, pages = '0'] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ');
    return sum + (Number(pages) * 4096) / 2 ** 20;
  }, 0);
}
