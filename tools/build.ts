/**
 * Bundles the program into `dist/`: `sidecar.js`, all that `weft run` needs in one file, without schema, YAML or protobuf
 * library; `program.js` with a chunk for each command; `weft.js`, which loads one of the two. `--if-stale` does nothing
 * when no source is newer.
 */
import { copyFileSync, existsSync, globSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type OutputChunk, type OutputOptions, rolldown } from 'rolldown';
import { licencesOf } from './licences.ts';

const root = resolve(import.meta.dirname, '..');
const out = join(root, 'dist');
const stamp = join(out, 'built');
const ENTRIES = { sidecar: 'sidecar-program.ts', program: 'whole-program.ts', weft: 'main.ts' } as const;

/**
 * CommonJS, because a start costs less with it than with modules: Node loads it in one go, and asks its own modules for
 * what is used alone. Measured at a tenth of the time until a sidecar serves, and 7 MiB.
 */
const OUTPUT: OutputOptions = {
  dir: out,
  format: 'cjs',
  strict: true,
  dynamicImportInCjs: false,
  sourcemap: true,
  // Names stay, for stack traces. One character beyond ASCII would make V8 keep the whole text in two bytes each.
  minify: { compress: false, mangle: false, codegen: { removeWhitespace: true, asciiOnly: true } },
  comments: false,
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name]-[hash].js',
};

if (!process.argv.includes('--if-stale') || isStale()) await build();

function isStale(): boolean {
  if (!existsSync(stamp)) return true;
  const built = statSync(stamp).mtimeMs;
  const sources = [...globSync('src/**/*.ts', { cwd: root }), 'tools/build.ts', 'package-lock.json'];
  return sources.some((path) => statSync(join(root, path)).mtimeMs > built);
}

async function build(): Promise<void> {
  rmSync(out, { recursive: true, force: true });
  const chunks = [
    ...(await bundle('weft', false)),
    ...(await bundle('sidecar', false)),
    ...(await bundle('program', true)),
  ];
  const graph = chunks.map((chunk) => ({
    file: chunk.fileName,
    imports: chunk.imports,
    dynamicImports: chunk.dynamicImports,
    modules: chunk.moduleIds.map((id) => id.replace(`${root}/`, '')),
  }));
  writeFileSync(join(out, 'package.json'), '{ "type": "commonjs" }\n');
  copyFileSync(join(root, 'src/capture/node-preload.cjs'), join(out, 'node-preload.cjs'));
  for (const map of globSync('**/*.map', { cwd: out })) dropSources(join(out, map));
  const modules = chunks.flatMap((chunk) => chunk.moduleIds);
  writeFileSync(join(out, 'LICENCES.txt'), licencesOf(root, modules));
  writeFileSync(join(out, 'graph.json'), `${JSON.stringify(graph, null, 1)}\n`);
  writeFileSync(stamp, '');
}

async function bundle(name: keyof typeof ENTRIES, codeSplitting: boolean): Promise<OutputChunk[]> {
  const bundling = await rolldown({
    input: { [name]: join(root, 'src/cli', ENTRIES[name]) },
    platform: 'node',
    external: [/^node:/],
    plugins: [{ name: 'bundles', resolveId: besideEntry }],
    logLevel: 'warn',
  });
  const written = await bundling.write({ ...OUTPUT, codeSplitting });
  await bundling.close();
  return written.output.filter((item) => item.type === 'chunk');
}

/** What the entry loads lies beside it, as a bundle of its own. */
function besideEntry(id: string, importer: string | undefined): { id: string; external: true } | null {
  if (importer !== join(root, 'src/cli', ENTRIES.weft)) return null;
  const [name] = Object.entries(ENTRIES).find(([, file]) => id === `./${file}`) ?? [];
  return name === undefined ? null : { id: `./${name}.js`, external: true };
}

/** A stack trace needs lines, not texts; every sidecar would hold them. */
function dropSources(file: string): void {
  const { sourcesContent: _, ...map } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  writeFileSync(file, JSON.stringify(map));
}
