/** One child process of `weft dev`: its lines, its end, and a way to make it end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { printable } from '../output/style.ts';
import { entryScript } from '../program-name.ts';
import type { Launch } from './plan.ts';

const MAX_LINE_CHARS = 4_096;

export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Child {
  readonly pid: number;
  readonly ended: Promise<ChildEnd>;
  /** SIGTERM, and SIGKILL after `graceMs`. Resolves when it is gone. */
  end(graceMs: number): Promise<void>;
}

/**
 * Runs `weft` with these words. In a process group of its own, so that Ctrl-C reaches this process alone, which ends
 * the others in order; with a channel, whose end tells the child that this process is gone.
 */
export function startChild(launch: Launch, onLine: (line: string) => void): Child {
  const child = spawn(process.execPath, [entryScript(), ...launch.words], {
    cwd: launch.cwd,
    env: launch.env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true,
  });
  child.channel?.unref();
  readLines(child.stdout, onLine);
  readLines(child.stderr, onLine);
  const ended = endOf(child);
  return {
    pid: child.pid ?? 0,
    ended,
    async end(graceMs) {
      child.kill('SIGTERM');
      const late = new AbortController();
      const killed = sleep(graceMs, undefined, { signal: late.signal }).then(
        () => child.kill('SIGKILL'),
        () => {},
      );
      await Promise.race([ended, killed]);
      late.abort();
      await ended;
    },
  };
}

function endOf(child: ChildProcess): Promise<ChildEnd> {
  return new Promise((resolve) => {
    child.once('error', () => resolve({ code: 1, signal: null }));
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
}

function readLines(source: NodeJS.ReadableStream | null, onLine: (line: string) => void): void {
  let rest = '';
  source?.setEncoding('utf8');
  source?.on('data', (text: string) => {
    const lines = (rest + text).split(/\r?\n/);
    rest = (lines.pop() ?? '').slice(-MAX_LINE_CHARS);
    for (const line of lines) onLine(printable(line.slice(0, MAX_LINE_CHARS)));
  });
  source?.on('end', () => rest !== '' && onLine(printable(rest)));
}

export function endText({ code, signal }: ChildEnd): string {
  return signal === null ? `exit code ${code}` : `signal ${signal}`;
}
