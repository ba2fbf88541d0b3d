/** Runs a program, and ends it with all that it started: when it is done, when its time is over, when we are told to go. */
import { spawn } from 'node:child_process';

export interface BoundedOptions {
  readonly cwd: string;
  readonly limitMs: number;
  /** Between the request to end and the end by force. Default 10 s. */
  readonly graceMs?: number;
  /** The time is over. */
  readonly onLimit: () => void;
  /** It runs. What this returns is called at its end. */
  readonly onStart?: (pid: number) => () => void;
}

const GRACE_MS = 10_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Its exit code; 1 when a signal, or its limit, ended it. Never rejects. */
export function runBounded(program: string, args: readonly string[], options: BoundedOptions): Promise<number> {
  const { cwd, limitMs, graceMs = GRACE_MS, onLimit, onStart } = options;
  return new Promise((done) => {
    // A process group of its own: programs that tests start outlive the file that was to end them.
    const child = spawn(program, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'], detached: true });
    const stop = child.pid === undefined ? undefined : onStart?.(child.pid);
    let limit: NodeJS.Timeout | null = null;
    let force: NodeJS.Timeout | null = null;
    const end = (signal: NodeJS.Signals): void => {
      signalGroup(child.pid, signal);
      force ??= setTimeout(signalGroup, graceMs, child.pid, 'SIGKILL');
    };
    const finished = (code: number): void => {
      stop?.();
      if (limit !== null) clearTimeout(limit);
      if (force !== null) clearTimeout(force);
      signalGroup(child.pid, 'SIGKILL');
      for (const signal of SIGNALS) process.off(signal, end);
      done(code);
    };
    // They reach only the terminal's group, which is no longer the child's.
    for (const signal of SIGNALS) process.on(signal, end);
    limit = setTimeout(() => {
      onLimit();
      end('SIGTERM');
    }, limitMs);
    child.once('error', (error) => {
      console.error(error.message);
      finished(1);
    });
    child.once('exit', (code) => finished(force === null ? (code ?? 1) : code || 1));
  });
}

function signalGroup(leader: number | undefined, signal: NodeJS.Signals): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, signal);
  } catch {
    // All of it has ended.
  }
}
