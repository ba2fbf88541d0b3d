/** How the user can call this program from where they are: the command lines that we print must work as they stand. */
import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `weft` when it was started by that name from PATH, else the checkout's wrapper as a path. */
export function programName(from: string = process.cwd()): string {
  const wrapper = wrapperPath();
  if (wrapper === null) return 'weft';
  const near = relative(from, wrapper);
  if (near.startsWith(`..${sep}..${sep}..`)) return wrapper;
  return near.startsWith('..') ? near : `.${sep}${near}`;
}

function wrapperPath(): string | null {
  const root = checkoutRoot();
  const path = join(root, 'weft');
  return existsSync(path) ? path : null;
}

/** The directory above `src/` or `dist/`. */
export function checkoutRoot(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'package.json')) && dirname(directory) !== directory)
    directory = dirname(directory);
  return directory;
}

/** What a child process of ours runs: the bundle when there is one and this is it, else the source. */
export function entryScript(): string {
  const bundle = join(checkoutRoot(), 'dist', 'weft.js');
  if (process.argv[1] !== undefined && resolve(process.argv[1]) === bundle) return bundle;
  return existsSync(bundle) ? bundle : join(checkoutRoot(), 'src', 'cli', 'main.ts');
}
