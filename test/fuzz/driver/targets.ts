/** The targets are the files of `targets/`: adding one is adding a file. */
import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { FuzzTarget } from './target.ts';

const FOLDER = resolve(import.meta.dirname, '../targets');

export function targetNames(): string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -'.ts'.length))
    .toSorted();
}

export async function loadTarget(name: string): Promise<FuzzTarget> {
  const module = (await import(pathToFileURL(resolve(FOLDER, `${name}.ts`)).href)) as { target: FuzzTarget };
  return module.target;
}
