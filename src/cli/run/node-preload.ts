/** Where the preload for applications on old Nodes lies: beside the bundle, or in the sources. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { checkoutRoot } from '../program-name.ts';

/** null: not found; then such an application needs a proxy-aware client of its own. */
export function nodePreloadPath(): string | null {
  const root = checkoutRoot();
  const places = [join(root, 'dist', 'node-preload.cjs'), join(root, 'src', 'capture', 'node-preload.cjs')];
  return places.find((path) => existsSync(path)) ?? null;
}
