/** How the user can call this program from where they are: the command lines that we print must work as they stand. */
import { existsSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

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
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'package.json')) && dirname(directory) !== directory)
    directory = dirname(directory);
  return directory;
}

/** What a child process of ours runs: the bundle when this is it, else the source; never one that is older than this. */
export function entryScript(): string {
  const root = checkoutRoot();
  const here = relative(root, fileURLToPath(import.meta.url));
  return here.startsWith(`dist${sep}`) ? join(root, 'dist', 'weft.js') : join(root, 'src', 'cli', 'main.ts');
}
