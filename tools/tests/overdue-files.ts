/**
 * Ends what the watchdog inside of a test file's process cannot: a thread that is blocked, or a Node that does not get
 * through its own clean-up at the exit, where no JavaScript runs any more.
 */
import { execFile } from 'node:child_process';

/** The watchdog is to speak first: it knows why. */
const MAX_GRACE_MS = 20_000;
const MAX_LOOK_MS = 15_000;

/** Children of `runner`, one a file, are ended by force some time after `limitMs`. Returns what stops the looking. */
export function endOverdueFiles(runner: number, limitMs: number, onEnded: (file: string) => void): () => void {
  const firstSeen = new Map<number, number>();
  const killAfterMs = limitMs + Math.min(MAX_GRACE_MS, limitMs);
  const timer = setInterval(
    () => {
      childrenOf(runner, (children) => {
        const now = performance.now();
        for (const pid of firstSeen.keys()) if (!children.has(pid)) firstSeen.delete(pid);
        for (const [pid, file] of children) {
          const since = firstSeen.get(pid) ?? now;
          firstSeen.set(pid, since);
          if (now - since < killAfterMs) continue;
          if (kill(pid)) onEnded(file);
        }
      });
    },
    Math.min(MAX_LOOK_MS, limitMs / 2),
  );
  return () => clearInterval(timer);
}

function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended since.
    return false;
  }
}

/** By process id: the last argument, which is the file. A machine whose `ps` does not know POSIX has none. */
function childrenOf(parent: number, found: (children: ReadonlyMap<number, string>) => void): void {
  execFile('ps', ['-A', '-o', 'pid=,ppid=,args='], { maxBuffer: 2 ** 26, timeout: MAX_LOOK_MS }, (error, output) => {
    if (error !== null) return;
    const children = new Map<number, string>();
    for (const line of output.split('\n')) {
      const [pid, ppid, ...args] = line.trim().split(/\s+/);
      if (Number(ppid) === parent) children.set(Number(pid), args.at(-1) ?? '');
    }
    found(children);
  });
}
