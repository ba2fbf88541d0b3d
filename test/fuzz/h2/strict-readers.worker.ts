/** Lets Python's h2 and node:http2 read connections, in a thread of its own so that the fuzzer can wait for them. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { resolve } from 'node:path';
import { type MessagePort, workerData } from 'node:worker_threads';
import { nodeReads } from './node-reader.ts';
import type { Asked, Reading } from './strict-readers.ts';

interface Given {
  readonly python: string | null;
  readonly asked: readonly string[];
  readonly signal: SharedArrayBuffer;
  readonly port: MessagePort;
}

const { python, asked, signal, port } = workerData as Given;
const pythonReads = python === null ? null : startPython(python);
const flag = new Int32Array(signal);

port.on('message', ({ role, frames }: Asked) => void read({ role, frames }));

async function read({ role, frames }: Asked): Promise<void> {
  const readings: Record<string, Reading> = {};
  if (pythonReads !== null) readings['h2'] = await pythonReads({ role, frames });
  if (role === 'server') readings['node:http2'] = await nodeReads(frames);
  port.postMessage(readings);
  Atomics.store(flag, 0, 1);
  Atomics.notify(flag, 0);
}

function startPython(path: string): (asked: Asked) => Promise<Reading> {
  const child = spawn(path, [resolve(import.meta.dirname, 'reader.py'), JSON.stringify(asked)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.unref();
  const waiting: ((line: string) => void)[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.(line));
  return ({ role, frames }) =>
    new Promise((done) => {
      waiting.push((line) => done(JSON.parse(line) as Reading));
      child.stdin.write(
        `${JSON.stringify({ role, frames: frames.map((each) => Buffer.from(each).toString('hex')) })}\n`,
      );
    });
}
