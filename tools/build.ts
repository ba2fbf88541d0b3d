/**
 * Bundles the CLI, sidecar included, into `dist/`: one entry, and one chunk for each command, so that `weft run` loads
 * no schema, YAML or protobuf library. `--if-stale` does nothing when no source is newer than the bundle.
 */
import { copyFileSync, existsSync, globSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { rolldown } from 'rolldown';
import { licencesOf } from './licences.ts';

const root = resolve(import.meta.dirname, '..');
const out = join(root, 'dist');
const stamp = join(out, 'built');

if (!process.argv.includes('--if-stale') || isStale()) await build();

function isStale(): boolean {
  if (!existsSync(stamp)) return true;
  const built = statSync(stamp).mtimeMs;
  const sources = [...globSync('src/**/*.ts', { cwd: root }), 'tools/build.ts', 'package-lock.json'];
  return sources.some((path) => statSync(join(root, path)).mtimeMs > built);
}

async function build(): Promise<void> {
  rmSync(out, { recursive: true, force: true });
  const bundle = await rolldown({
    input: { weft: join(root, 'src/cli/main.ts') },
    platform: 'node',
    external: [/^node:/],
    logLevel: 'warn',
  });
  const { output } = await bundle.write({
    dir: out,
    format: 'esm',
    sourcemap: true,
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
  });
  await bundle.close();
  const chunks = output.filter((item) => item.type === 'chunk');
  const graph = chunks.map((chunk) => ({
    file: chunk.fileName,
    imports: chunk.imports,
    dynamicImports: chunk.dynamicImports,
    modules: chunk.moduleIds.map((id) => id.replace(`${root}/`, '')),
  }));
  copyFileSync(join(root, 'src/capture/node-preload.cjs'), join(out, 'node-preload.cjs'));
  for (const map of globSync('**/*.map', { cwd: out })) dropSources(join(out, map));
  writeFileSync(
    join(out, 'LICENCES.txt'),
    licencesOf(
      root,
      chunks.flatMap((chunk) => chunk.moduleIds),
    ),
  );
  writeFileSync(join(out, 'graph.json'), `${JSON.stringify(graph, null, 1)}\n`);
  writeFileSync(stamp, '');
}

/** A stack trace needs lines, not texts; every sidecar would hold them. */
function dropSources(file: string): void {
  const { sourcesContent: _, ...map } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  writeFileSync(file, JSON.stringify(map));
}
