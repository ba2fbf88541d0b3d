/**
 * Directories with those above them, made one by one: mkdir(2) under /proc says ENOENT although the directory above exists,
 * and Node's `recursive` tries again for ever then (libuv threads included).
 */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** `path`: absolute. Those that exist stay as they are. Throws the system's error. */
export function makeDirectory(path: string, mode: number): void {
  const missing: string[] = [];
  for (let at = path; !existsSync(at) && dirname(at) !== at; at = dirname(at)) missing.unshift(at);
  for (const each of missing) {
    try {
      mkdirSync(each, { mode });
    } catch (error) {
      // Somebody else was faster.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}
