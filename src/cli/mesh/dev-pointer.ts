/**
 * How another terminal finds the mesh of a running `weft dev`: a file `.weft/dev.json` in the directory where it was
 * started, which every command looks for at and above its own directory, as git looks for `.git`.
 */
import { readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeDirectory } from '../../core/make-directory.ts';

export interface DevPointer {
  /** Of the `weft dev` that wrote it; a pointer whose process is gone counts as none. */
  readonly pid: number;
  readonly stateDir: string;
  /** The project's, which commands take by default. */
  readonly namespace: string;
}

const MAX_BYTES = 16_384;

/** The nearest one of a living process of this user. */
export function findDevPointer(from: string): DevPointer | null {
  for (let directory = from; ; directory = dirname(directory)) {
    const pointer = readDevPointer(join(directory, '.weft', 'dev.json'));
    if (pointer !== null) return pointer;
    if (dirname(directory) === directory) return null;
  }
}

/** Returns how to take the pointer away again; null when it cannot be written or another `weft dev` holds the place. */
export function writeDevPointer(directory: string, pointer: DevPointer): (() => void) | null {
  const folder = join(directory, '.weft');
  const path = join(folder, 'dev.json');
  if (readDevPointer(path) !== null) return null;
  try {
    makeDirectory(folder, 0o700);
    writeFileSync(path, `${JSON.stringify(pointer)}\n`, { mode: 0o600 });
  } catch {
    return null;
  }
  return () => {
    if (readDevPointer(path)?.pid === pointer.pid) rmSync(path, { force: true });
    try {
      rmdirSync(folder);
    } catch {
      // Not empty: it holds something else of the user's.
    }
  };
}

function readDevPointer(path: string): DevPointer | null {
  try {
    const facts = statSync(path);
    // A file that somebody else left in a shared directory must not choose the control plane that we talk to.
    if (facts.size > MAX_BYTES || facts.uid !== process.getuid?.()) return null;
    const value = JSON.parse(readFileSync(path, 'utf8')) as Partial<DevPointer>;
    const { pid, stateDir, namespace } = value;
    if (typeof pid !== 'number' || typeof stateDir !== 'string' || typeof namespace !== 'string') return null;
    return isAlive(pid) ? { pid, stateDir, namespace } : null;
  } catch {
    return null;
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
