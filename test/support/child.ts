/** A real program as a child process of a test: its output is kept, every wait for it has a limit, and it is ended by its pid. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const MAX_OUTPUT_CHARS = 4_000_000;
const DEFAULT_WAIT_MS = 20_000;

export interface ChildOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

export interface Finished {
  /** As a shell tells it: 128 + n after signal n. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class Child {
  readonly name: string;
  readonly pid: number;
  /** Never rejects; 127 when the program could not be started. */
  readonly exited: Promise<number>;
  readonly #process: ChildProcessWithoutNullStreams;
  #stdout = '';
  #stderr = '';
  #code: number | null = null;

  constructor(file: string, args: readonly string[], options: ChildOptions = {}) {
    this.name = [file, ...args].join(' ').slice(0, 300);
    const child = spawn(file, args, { stdio: 'pipe', ...options });
    this.#process = child;
    this.pid = child.pid ?? 0;
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#stdout = bounded(this.#stdout + text)));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr = bounded(this.#stderr + text)));
    // A program that has ended does not read what was meant for it.
    child.stdin.on('error', () => {});
    this.exited = new Promise((resolve) => {
      const end = (code: number) => {
        this.#code = code;
        resolve(code);
      };
      child.once('error', (error) => {
        this.#stderr += error.message;
        end(127);
      });
      // `exit`, not `close`: a grandchild may hold the pipes.
      child.once('exit', (code, signal) => end(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
    });
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** null while it runs. */
  get code(): number | null {
    return this.#code;
  }

  write(text: string): void {
    this.#process.stdin.write(text);
  }

  endInput(): void {
    this.#process.stdin.end();
  }

  signal(name: NodeJS.Signals): void {
    if (this.#code === null) this.#process.kill(name);
  }

  /** Rejects, with what it said, when it has not ended by then. */
  async finished(limitMs = DEFAULT_WAIT_MS): Promise<Finished> {
    const code = await withLimit(this.exited, limitMs, () => this.describe(`has not ended after ${limitMs} ms`));
    // What it wrote last may still be on its way.
    await Promise.race([Promise.all([ended(this.#process.stdout), ended(this.#process.stderr)]), sleep(200)]);
    return { code, stdout: this.#stdout, stderr: this.#stderr };
  }

  /** Waits until its output matches. Rejects when it ends before, or at the limit. */
  async said(pattern: RegExp, limitMs = DEFAULT_WAIT_MS): Promise<RegExpExecArray> {
    return until(`${this.name} says ${pattern}`, limitMs, () => {
      const match = pattern.exec(`${this.#stdout}\n${this.#stderr}`);
      if (match === null && this.#code !== null) throw new Error(this.describe(`ended and never said ${pattern}`));
      return match;
    });
  }

  /** In order at first, by force at the end. True when it ended in order. */
  async stop(graceMs = 15_000): Promise<boolean> {
    let asked = 0;
    for (const [name, waitMs] of [
      ['SIGTERM', graceMs],
      ['SIGTERM', 500],
      ['SIGTERM', 500],
      ['SIGKILL', 1_000],
    ] as const) {
      if (this.#code !== null) break;
      asked += 1;
      this.signal(name);
      await Promise.race([this.exited, sleep(waitMs, undefined, { ref: false })]);
    }
    return this.#code !== null && asked <= 1;
  }

  describe(problem: string): string {
    return `${this.name}\n  ${problem}\n--- stdout\n${this.#stdout.slice(-3_000)}\n--- stderr\n${this.#stderr.slice(-3_000)}`;
  }
}

/** Polls until the probe gives something; rejects at the limit with what was waited for. */
export async function until<T>(
  what: string,
  limitMs: number,
  probe: () => T | null | undefined | false | Promise<T | null | undefined | false>,
): Promise<T> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const found = await probe();
    if (found !== null && found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`waited ${limitMs} ms in vain until ${what}`);
    await sleep(20);
  }
}

export async function withLimit<T>(work: Promise<T>, limitMs: number, problem: () => string): Promise<T> {
  const stop = new AbortController();
  const late = sleep(limitMs, undefined, { signal: stop.signal }).then(() => {
    throw new Error(problem());
  });
  late.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    stop.abort();
  }
}

function bounded(text: string): string {
  return text.length > MAX_OUTPUT_CHARS ? text.slice(-MAX_OUTPUT_CHARS) : text;
}

function ended(stream: NodeJS.ReadableStream & { readonly readableEnded: boolean }): Promise<void> {
  if (stream.readableEnded) return Promise.resolve();
  return new Promise((resolve) => stream.once('end', resolve));
}
