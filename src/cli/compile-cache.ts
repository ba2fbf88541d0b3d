/**
 * Compiled code, kept for the next start: it halves the time until a sidecar serves. V8 runs what lies there unread, so the
 * directory is this user's alone; where none can be had, every start compiles anew.
 */
import { mkdirSync, lstatSync } from 'node:fs';
import { enableCompileCache, flushCompileCache } from 'node:module';
import { basename, join } from 'node:path';

/** A start has compiled by then what it needs; what is compiled later is kept at the end of the process. */
const FLUSH_AFTER_MS = 1_000;

/** `directory`: of the entry. Beside the bundle, else in the user's own cache (`XDG_CACHE_HOME`). */
export function useCompileCache(directory: string): void {
  const { XDG_CACHE_HOME: cacheHome, HOME: home } = process.env;
  const places: string[] = [];
  if (basename(directory) === 'dist') places.push(join(directory, 'compile-cache'));
  if (cacheHome !== undefined && cacheHome !== '') places.push(join(cacheHome, 'weft'));
  else if (home !== undefined && home !== '') places.push(join(home, '.cache', 'weft'));
  const place = places.find(isOurs);
  if (place !== undefined) enableCompileCache(place);
}

/** For a process that serves: one that is killed later has kept it all the same. */
export function keepCompiled(): void {
  setTimeout(flushCompileCache, FLUSH_AFTER_MS).unref();
}

/** Makes it when it is not there; false when others may write it, or own it. */
function isOurs(place: string): boolean {
  try {
    mkdirSync(place, { recursive: true, mode: 0o700 });
    const found = lstatSync(place);
    return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o077) === 0;
  } catch {
    return false;
  }
}
