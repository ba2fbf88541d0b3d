/**
 * What a sidecar loads: the entry and one file more, and in them no control plane, no schema, no YAML, no protobuf and
 * no certificate library, which would cost every workload memory and start-up, and widen what it trusts.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

const root = resolve(import.meta.dirname, '../..');

interface Chunk {
  readonly file: string;
  readonly imports: readonly string[];
  readonly dynamicImports: readonly string[];
  readonly modules: readonly string[];
}

const FORBIDDEN = [
  /^src\/(?:api|protos|policies|control|dialects)\//,
  /(?:^|\/)node_modules\/(?:zod|yaml|@bufbuild|@peculiar|reflect-metadata)\//,
];

execFileSync(process.execPath, [join(root, 'tools/build.ts'), '--if-stale'], { cwd: root });
const chunks = JSON.parse(readFileSync(join(root, 'dist/graph.json'), 'utf8')) as Chunk[];

/** Every module that is loaded with the chunk that holds `module`, what it imports on demand not included. */
function loadedWith(module: string): string[] {
  const start = chunks.find((chunk) => chunk.modules.includes(module));
  assert.ok(start, `${module} is in the bundle`);
  const seen = new Set<string>();
  const waiting = [start.file];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    waiting.push(...(chunks.find((chunk) => chunk.file === file)?.imports ?? []));
  }
  return chunks.filter((chunk) => seen.has(chunk.file)).flatMap((chunk) => chunk.modules);
}

test('a sidecar loads nothing of the control plane and none of its libraries', () => {
  const files = ['weft.js', 'sidecar.js'].map((file) => chunks.find((chunk) => chunk.file === file));
  const loaded = files.flatMap((chunk) => chunk?.modules ?? []);
  assert.deepEqual(
    files.flatMap((chunk) => chunk?.imports ?? []).filter((name) => !name.startsWith('node:')),
    [],
  );
  assert.ok(loaded.includes('src/proxy/main.ts'), 'the graph reaches the proxy');
  assert.ok(loaded.length > 150, `only ${loaded.length} modules were looked at`);
  assert.deepEqual(
    loaded.filter((module) => FORBIDDEN.some((pattern) => pattern.test(module))),
    [],
  );
});

test('the rule sees what it forbids: the control plane loads all of it', () => {
  const loaded = loadedWith('src/control/main.ts');
  for (const pattern of FORBIDDEN)
    assert.ok(
      loaded.some((module) => pattern.test(module)),
      `${pattern}`,
    );
});
