/**
 * The application as a child process, in a process group of its own: the terminal's Ctrl-C reaches the agent first,
 * which leaves the mesh in order before it passes the signal on to the whole group.
 */
import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { constants } from 'node:os';
import { WeftError } from '../core/errors.ts';
import type { Clock } from '../core/runtime.ts';
import { readLines } from './child-lines.ts';
import { within } from './pause.ts';

const FLUSH_WAIT_MS = 500;

export type OutputLine = (stream: 'stdout' | 'stderr', line: string) => void;

export interface AppOptions {
  readonly clock: Clock;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called for each line of output; null: the application has the agent's own standard streams. */
  readonly onOutput: OutputLine | null;
}

export interface AppProcess {
  readonly pid: number;
  /** The exit code as a shell gives it: the application's own, or 128 + n after signal n. */
  readonly exited: Promise<number>;
  /** To the whole group. Harmless when it is gone. */
  signal(name: NodeJS.Signals): void;
}

/** Rejects with `file-not-found` or `permission-denied`, which shells tell by 127 and 126. */
export function launchApp(options: AppOptions): Promise<AppProcess> {
  const [file, ...args] = options.command;
  if (file === undefined)
    throw new WeftError('invalid', { what: 'there is no command to run', hint: 'Put it after --' });
  const stdio: StdioOptions = options.onOutput === null ? 'inherit' : ['ignore', 'pipe', 'pipe'];
  const child = spawn(file, args, { env: options.env, stdio, detached: true });
  const output = options.onOutput;
  const flushed =
    output === null
      ? []
      : (['stdout', 'stderr'] as const).map((name) => readLines(child[name], (line) => output(name, line)));
  return new Promise((resolve, reject) => {
    child.once('error', (cause: NodeJS.ErrnoException) => reject(launchError(file, cause)));
    child.once('spawn', () => {
      const pid = child.pid ?? 0;
      const signal = (name: NodeJS.Signals): void => signalGroup(pid, name);
      const killGroup = (): void => signal('SIGKILL');
      // An agent that dies by an error of its own leaves no application without a sidecar behind.
      process.once('exit', killGroup);
      const exited = ended(child).then(async (exitCode) => {
        process.off('exit', killGroup);
        signal('SIGTERM');
        // A grandchild may hold the pipes open: the end of the application does not wait for it long.
        const lines = Promise.all(flushed).then(() => undefined);
        await within(options.clock, FLUSH_WAIT_MS, lines, () => undefined);
        return exitCode;
      });
      resolve({ pid, exited, signal });
    });
  });
}

function ended(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once('exit', (code, by) => resolve(code ?? 128 + (by === null ? 0 : constants.signals[by])));
  });
}

export function signalGroup(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(-pid, name);
  } catch {
    // The group is gone, or never was: nothing is left to signal.
  }
}

function launchError(file: string, cause: NodeJS.ErrnoException): WeftError {
  if (cause.code === 'ENOENT') {
    return new WeftError('file-not-found', {
      what: 'the command was not found',
      where: file,
      hint: 'Check its name and PATH',
      cause,
    });
  }
  const code = cause.code === 'EACCES' ? 'permission-denied' : 'io';
  return new WeftError(code, {
    what: `the command cannot be run (${cause.code ?? cause.message})`,
    where: file,
    cause,
  });
}

/** What a shell answers when a command could not be started. */
export function launchExitCode(error: WeftError): number {
  return error.code === 'file-not-found' ? 127 : 126;
}
