/** The licences of what a bundle contains of others, as they want to be passed on. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** `modules`: absolute paths of the bundle's modules. Throws for a package that brings no licence. */
export function licencesOf(root: string, modules: readonly string[]): string {
  const packages = new Set<string>();
  for (const module of modules) {
    const found = /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(module)?.[1];
    if (found !== undefined) packages.add(found);
  }
  return [...packages]
    .toSorted()
    .map((name) => `${name}\n\n${licenceOf(root, name)}\n`)
    .join(`\n${'-'.repeat(80)}\n\n`);
}

function licenceOf(root: string, name: string): string {
  const folder = join(root, 'node_modules', name);
  const [file] = globSync('{licen[cs]e,LICEN[CS]E}*', { cwd: folder }).toSorted();
  if (file !== undefined) return readFileSync(join(folder, file), 'utf8').trim();
  const { license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { license?: string };
  if (license === undefined) throw new Error(`${name} is in the bundle and says nothing of its licence`);
  return license;
}
