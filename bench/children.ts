/** Processes of a benchmark: started on a named core, stopped with it whatever happens. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** In the order of their start. */
const running: Started[] = [];

/** Whose end is not waited for longer than this. */
const STOP_MS = 8_000;

export interface Started {
  readonly pid: number;
  readonly child: ChildProcess;
  /** The last 64 KiB of what it said; empty when that goes to a file. */
  output(): string;
  /** Resolves when it is gone: asked at first, killed in the end. */
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Standard output goes here, so that reading it costs nobody anything. */
  readonly outputFile?: string;
  /** A channel for messages, to a program of Node. */
  readonly ipc?: boolean;
}

/** `core` pins it. */
export function start(core: number, command: string, args: readonly string[], options: StartOptions = {}): Started {
  const file = options.outputFile === undefined ? null : openSync(options.outputFile, 'a');
  const child = spawn('taskset', ['-c', String(core), command, ...args], {
    env: options.env ?? process.env,
    stdio: ['ignore', file ?? 'pipe', 'pipe', ...(options.ipc === true ? (['ipc'] as const) : [])],
  });
  if (file !== null) closeSync(file);
  // taskset becomes the command: the pid is the command's.
  if (child.pid === undefined) throw new Error(`cannot start ${command}`);
  let text = '';
  const keep = (chunk: Buffer): void => {
    text = (text + chunk.toString()).slice(-65_536);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  const started: Started = { pid: child.pid, child, output: () => text, stop: () => stop(child) };
  running.push(started);
  child.on('exit', () => running.splice(running.indexOf(started), 1));
  return started;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((done) => child.once('exit', done));
  child.kill('SIGTERM');
  await Promise.race([gone, sleep(STOP_MS, undefined, { ref: false })]);
  child.kill('SIGKILL');
}

/** The last first: workloads leave a control plane that is still there. */
export async function stopAll(): Promise<void> {
  for (const started of running.toReversed()) await started.stop();
}

/** When there is no time to ask. */
export function killAll(): void {
  for (const { child } of running) child.kill('SIGKILL');
}

/** Resolves when something accepts on the port of 127.0.0.1, or of `host`. */
export async function listening(port: number, host = '127.0.0.1', timeoutMs = 15_000): Promise<void> {
  await until(`something listens on ${host}:${port}`, timeoutMs, () => accepts(port, host));
}

/** Asks every 10 ms; rejects with `what` when it has not come within `timeoutMs`. */
export async function until<T>(what: string, timeoutMs: number, look: () => T | null | Promise<T | null>): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (seen !== null) return seen;
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await sleep(10);
  }
}

/** Rejects with `what` when it takes longer. */
export async function within<T>(limitMs: number, what: string, work: Promise<T>): Promise<T> {
  const late = new AbortController();
  const timeout = sleep(limitMs, undefined, { signal: late.signal }).then(() => {
    throw new Error(`not within ${limitMs} ms: ${what}`);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    timeout.catch(() => {});
    late.abort();
  }
}

function accepts(port: number, host: string): Promise<true | null> {
  return new Promise((done) => {
    const socket = connect({ port, host }, () => {
      socket.destroy();
      done(true);
    });
    socket.on('error', () => done(null));
  });
}
