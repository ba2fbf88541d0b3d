/** How the user can call this program from where they are: the command lines that we print must work as they stand. */
import { existsSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';

/** `weft` when it was started by that name from PATH, else the checkout's wrapper as a path. */
export function programName(from: string = process.cwd()): string {
  const wrapper = wrapperPath();
  if (wrapper === null) return process.env['npm_command'] === 'exec' ? 'npx weft' : 'weft';
  const near = relative(from, wrapper);
  if (near.startsWith(`..${sep}..${sep}..`)) return wrapper;
  return near.startsWith('..') ? near : `.${sep}${near}`;
}

/** null: this is an installed package, whose `weft` is in PATH or npx's. */
function wrapperPath(): string | null {
  const root = checkoutRoot();
  const path = join(root, 'weft');
  return existsSync(path) && existsSync(join(root, 'src')) ? path : null;
}

/** The directory above `src/` or `dist/`. */
export function checkoutRoot(): string {
  return dirname(treeOf(import.meta.dirname));
}

/** `src/` or `dist/`, whichever this is part of. */
function treeOf(place: string): string {
  let directory = place;
  while (!['src', 'dist'].includes(basename(directory)) && dirname(directory) !== directory)
    directory = dirname(directory);
  return directory;
}

/** What a child process of ours runs: the bundle when this is it, else the source; never one that is older than this. */
export function entryScript(): string {
  const root = checkoutRoot();
  return basename(treeOf(import.meta.dirname)) === 'dist'
    ? join(root, 'dist', 'weft.js')
    : join(root, 'src', 'cli', 'main.ts');
}
