/** Processes of a benchmark: started on a named core, stopped with it whatever happens. */
import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const running = new Set<ChildProcess>();

export interface Started {
  readonly pid: number;
  readonly child: ChildProcess;
  output(): string;
}

/** `core` pins it; output is kept in memory, at most the last 64 KiB. */
export function start(core: number, command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Started {
  const child = spawn('taskset', ['-c', String(core), command, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let text = '';
  const keep = (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-65_536);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  child.on('exit', () => running.delete(child));
  // taskset becomes the command: the pid is the command's.
  if (child.pid === undefined) throw new Error(`cannot start ${command}`);
  return { pid: child.pid, child, output: () => text };
}

export async function stopAll(): Promise<void> {
  const ending = [...running].map((child) => new Promise((done) => child.once('exit', done)));
  for (const child of running) child.kill('SIGTERM');
  await Promise.race([Promise.all(ending), sleep(10_000)]);
  for (const child of running) child.kill('SIGKILL');
}

/** Resolves when something accepts on the port of 127.0.0.1, or of `host`. */
export async function listening(port: number, host = '127.0.0.1', timeoutMs = 15_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (performance.now() < deadline) {
    const open = await new Promise<boolean>((done) => {
      const socket = connect({ port, host }, () => {
        socket.destroy();
        done(true);
      });
      socket.on('error', () => done(false));
    });
    if (open) return;
    await sleep(20);
  }
  throw new Error(`nothing listens on ${host}:${port} after ${timeoutMs} ms`);
}
