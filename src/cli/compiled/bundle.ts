/**
 * Loads one file of the bundle with the code that V8 made for it in an earlier start. Node's own cache keeps a file as it
 * is when it was just loaded, without the functions that ran later; this one is written when the program serves, and saves
 * a quarter of the CPU time of a sidecar's start.
 */
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { Script } from 'node:vm';
import { nodeFiles } from '../../runtime/node/files.ts';

/** A start has compiled by then what it needs, the first requests included. */
export const KEEP_AFTER_MS = 2_000;

export interface LoadedBundle {
  readonly exports: Readonly<Record<string, unknown>>;
  /** Called when the program serves. Writes nothing when there was code to load. */
  keep(): void;
}

/** `file`: absolute path of a CommonJS file. `cache`: a directory that nobody else can write; null: nothing is kept. */
export function loadBundle(file: string, cache: string | null): LoadedBundle {
  const source = readFileSync(file);
  // V8 compares no more of a source than its length: the name says which it is.
  const prefix = `${basename(file)}-${process.version}-${process.arch}-`;
  const kept = cache === null ? null : join(cache, `${prefix}${hash('sha256', source)}`);
  const { script, isMade } = compile(file, source.toString('utf8'), kept === null ? null : readOrNull(kept));
  const made = { exports: {} };
  const run = script.runInThisContext() as (...args: readonly unknown[]) => void;
  run(made.exports, createRequire(file), made, file, dirname(file));
  return { exports: made.exports, keep: kept === null || isMade ? ignore : () => keepLater(kept, prefix, script) };
}

/** `isMade`: the code was there. Apart, so that nothing holds its bytes: the script has what it needs of them. */
function compile(file: string, source: string, code: Buffer | null): { script: Script; isMade: boolean } {
  // The line before is not the file's.
  const script = new Script(`(function (exports, require, module, __filename, __dirname) {\n${source}\n})`, {
    filename: file,
    lineOffset: -1,
    ...(code === null ? {} : { cachedData: code }),
  });
  return { script, isMade: code !== null && script.cachedDataRejected === false };
}

function keepLater(path: string, prefix: string, script: Script): void {
  setTimeout(() => void write(path, prefix, script.createCachedData()), KEEP_AFTER_MS).unref();
}

function ignore(): void {}

function readOrNull(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch {
    return null;
  }
}

/** Instead of what was kept of other builds, or left unfinished. A cache that cannot be written is none. */
async function write(path: string, prefix: string, code: Buffer): Promise<void> {
  const folder = dirname(path);
  try {
    await nodeFiles.write(path, code, 0o600);
    for (const name of await readdir(folder)) {
      const isOld = (name.startsWith(prefix) || name.startsWith(`.${prefix}`)) && name !== basename(path);
      if (isOld) await rm(join(folder, name), { force: true });
    }
  } catch {
    // As said above.
  }
}
