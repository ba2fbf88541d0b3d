/**
 * Applications whose sidecar was killed with SIGKILL and so could not end them. Linux tells the environment that a
 * process started with; elsewhere there is no way to know them, and they stay.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** In the environment of everything that one `weft dev` starts. */
export const RUN_VARIABLE = 'WEFT_DEV_RUN';

/** Ends the processes of this run; how many there were. */
export function endOrphans(run: string): number {
  const mark = `${RUN_VARIABLE}=${run}`;
  const found = processIds().filter((pid) => pid !== process.pid && environmentOf(pid).includes(mark));
  for (const pid of found) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself in the meantime.
    }
  }
  return found.length;
}

function processIds(): number[] {
  try {
    return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  } catch {
    return [];
  }
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
  } catch {
    return [];
  }
}
