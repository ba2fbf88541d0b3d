/**
 * The test's end of the probe programs (`go/main.go`, `probe.mjs`, `probe.py`), which do the same in three languages:
 * `server xds|plain ADDRESS NAME` serves `/probe.Probe/*`, and `client xds|plain` reads a command a line on standard
 * input and answers each with a line of counts. Methods: Who (who are you, and who am I to you), Slow (answers after BODY ms),
 * Flaky (BODY `key,n`: the first n calls of a key are UNAVAILABLE), Fail (INTERNAL at the server that BODY names, or `all`).
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Child, until } from '../support/child.ts';
import { findPython, program } from '../support/components.ts';

export const LANGUAGES = ['js', 'go', 'python'] as const;
export type Language = (typeof LANGUAGES)[number];

const BUILD_LIMIT_MS = 300_000;
const COMMAND_LIMIT_MS = 30_000;

export interface Ask {
  /** Of gRPC; `env:NAME` is where the variables of service NAME point to (Go only). */
  readonly target: string;
  readonly method?: 'Who' | 'Slow' | 'Flaky' | 'Fail';
  readonly body?: string;
  readonly count?: number;
  readonly concurrency?: number;
  readonly timeoutMs?: number;
  /** Before each call. */
  readonly pauseMs?: number;
  /** Over connections of its own. */
  readonly fresh?: boolean;
  /** `%` in a value is the number of the call. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  /** Successful calls by the name of the server. */
  readonly names: Readonly<Record<string, number>>;
  /** By the SPIFFE id that the server saw; empty without mTLS. */
  readonly peers: Readonly<Record<string, number>>;
  /** By `code message`. */
  readonly errors: Readonly<Record<string, number>>;
  readonly ms: number;
}

/**
 * Modules may have to be fetched, by the versions and hashes of go.sum. Two suites at once would compile all of them twice:
 * the second waits, and then finds them in Go's cache.
 */
export function buildGoProbe(into: string): string {
  const path = join(into, 'grpc-xds-go');
  const env = { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly -buildvcs=false' };
  const cwd = join(import.meta.dirname, 'go');
  alone(() =>
    execFileSync(program('go'), ['build', '-o', path, '.'], { cwd, env, timeout: BUILD_LIMIT_MS, stdio: 'pipe' }),
  );
  return path;
}

function alone(work: () => void): void {
  const lock = join(tmpdir(), 'weft-grpc-xds-build');
  const until = Date.now() + BUILD_LIMIT_MS;
  while (!taken(lock) && Date.now() < until) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  try {
    work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

/** One that was left behind is taken over. */
function taken(lock: string): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch {
    const madeAt = statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    return madeAt > 0 && Date.now() - madeAt > BUILD_LIMIT_MS;
  }
}

export function probeCommand(language: Language, goProbe: string): readonly string[] {
  if (language === 'go') return [goProbe];
  if (language === 'js') return [process.execPath, join(import.meta.dirname, 'probe.mjs')];
  return [findPython('grpc') ?? '', join(import.meta.dirname, 'probe.py')];
}

/** A client program that lives on between its commands. */
export class ProbeClient {
  readonly child: Child;
  #read = 0;

  constructor(child: Child) {
    this.child = child;
  }

  /** One at a time. */
  async ask(what: Ask): Promise<Answer> {
    const asked = { method: 'Who', body: '', count: 1, concurrency: 1, timeoutMs: 5_000, headers: {}, ...what };
    this.child.write(`${JSON.stringify(asked)}\n`);
    const line = await until(`an answer to ${JSON.stringify(asked)}`, COMMAND_LIMIT_MS, () => {
      const rest = this.child.stdout.slice(this.#read);
      const end = rest.indexOf('\n');
      if (end === -1 && this.child.code !== null) throw new Error(this.child.describe('the client is gone'));
      return end === -1 ? null : rest.slice(0, end);
    }).catch((error: unknown) => {
      throw new Error(this.child.describe(String(error)), { cause: error });
    });
    this.#read += line.length + 1;
    return JSON.parse(line) as Answer;
  }

  /** Asks until calls succeed: a client learns of a server that has just become ready a moment later. */
  async connected(target: string): Promise<void> {
    await until('a call succeeds', COMMAND_LIMIT_MS, async () => {
      const { names } = await this.ask({ target });
      return Object.keys(names).length > 0;
    });
  }

  /** All calls must succeed. */
  async succeeds(what: Ask): Promise<Answer> {
    const answer = await this.ask(what);
    assert.deepEqual(answer.errors, {}, this.child.describe(JSON.stringify(what)));
    return answer;
  }
}
