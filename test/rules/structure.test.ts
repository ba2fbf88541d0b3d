/** The structure rules hold for the tree, looked at more than zero files, and fire on a violation made for them. */
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { importCycles } from '../../tools/rules/cycles.ts';
import { importViolations } from '../../tools/rules/import-directions.ts';
import { runtimeViolations } from '../../tools/rules/runtime-injection.ts';
import { shapeViolations } from '../../tools/rules/shape.ts';
import { parseSource, readSources } from '../../tools/rules/source-files.ts';

const files = readSources(resolve(import.meta.dirname, '../..'), 'src');

test('the rules look at the whole tree', () => {
  assert.ok(files.length > 100, `only ${files.length} files were found`);
  assert.ok(files.reduce((sum, file) => sum + file.imports.length, 0) > 300);
});

test('imports point to folders on lines above only', () => {
  assert.deepEqual(importViolations(files), []);
});

test('an import against the direction is found: sideways, upwards, by type, by re-export and on demand', () => {
  const cases = [
    ['src/http/a.ts', "import { x } from '../api/b.ts';"],
    ['src/core/a.ts', "import type { X } from '../http/b.ts';"],
    ['src/snapshot/a.ts', "export { x } from '../proxy/b.ts';"],
    ['src/client/a.ts', "const x = await import('../control/b.ts');"],
    ['src/proxy/router/a.ts', "import { x } from '../../runtime/node/net.ts';"],
    ['src/proxy/cluster/a.ts', "import { x } from '../router/b.ts';"],
    ['src/nowhere/a.ts', "import { x } from '../core/b.ts';"],
  ] as const;
  for (const [path, text] of cases)
    assert.equal(importViolations([parseSource(path, text)]).length, 1, `${path}: ${text}`);
});

test('there is no import cycle', () => {
  assert.deepEqual(importCycles(files), []);
});

test('a cycle of three files is found, type-only imports included', () => {
  const cycle = importCycles([
    parseSource('src/core/a.ts', "import { b } from './b.ts';"),
    parseSource('src/core/b.ts', "import type { C } from './c.ts';"),
    parseSource('src/core/c.ts', "import { a } from './a.ts';"),
  ]);
  assert.deepEqual(cycle, [['src/core/a.ts', 'src/core/b.ts', 'src/core/c.ts', 'src/core/a.ts']]);
});

test('nothing below the planes reaches past Runtime', () => {
  assert.deepEqual(runtimeViolations(files), []);
});

test('reaching past Runtime is found, by call and by import, and not in comments', () => {
  const found = (text: string) => runtimeViolations([parseSource('src/proxy/router/a.ts', text)]).length;
  assert.equal(found('export const t = Date.now();'), 1);
  assert.equal(found('setTimeout(() => {}, 1);'), 1);
  assert.equal(found("import net from 'node:net';"), 1);
  assert.equal(found("import { readFile } from 'fs/promises';"), 1);
  assert.equal(found('// Date.now() would not be reproducible\n/* nor Math.random() */'), 0);
});

test('every source file opens with its role, stays short and has a name that says what it does', () => {
  assert.deepEqual(shapeViolations(files), []);
});

test('a file without an opening, a long one and a vague name are found', () => {
  assert.equal(shapeViolations([parseSource('src/core/a.ts', 'export const a = 1;\n')]).length, 1);
  assert.equal(shapeViolations([parseSource('src/core/utils.ts', '/** A. */\n')]).length, 1);
  assert.equal(shapeViolations([parseSource('src/core/B.ts', '/** A. */\n')]).length, 1);
  assert.equal(shapeViolations([parseSource('src/core/b.ts', `/** A. */\n${'\n'.repeat(500)}`)]).length, 2);
});
