/** Where compiled code may lie. V8 runs it unread, so the directory is this user's alone. */
import { lstatSync } from 'node:fs';
import { basename, join } from 'node:path';
import { makeDirectory } from '../../core/make-directory.ts';

/**
 * Beside the bundle, else in the user's own cache (`XDG_CACHE_HOME`); null: nowhere, and every start compiles anew.
 * `directory`: of the entry.
 */
export function privateCache(directory: string): string | null {
  const { XDG_CACHE_HOME: cacheHome, HOME: home } = process.env;
  const places: string[] = [];
  if (basename(directory) === 'dist') places.push(join(directory, 'compile-cache'));
  if (cacheHome !== undefined && cacheHome !== '') places.push(join(cacheHome, 'weft'));
  else if (home !== undefined && home !== '') places.push(join(home, '.cache', 'weft'));
  return places.find(isOurs) ?? null;
}

/** Makes it when it is not there; false when others may write it, or own it. */
function isOurs(place: string): boolean {
  try {
    makeDirectory(place, 0o700);
    const found = lstatSync(place);
    return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o077) === 0;
  } catch {
    return false;
  }
}
