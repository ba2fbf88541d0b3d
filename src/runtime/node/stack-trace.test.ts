import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { inSourceLines } from './stack-trace.ts';

const folder = mkdtempSync(join(tmpdir(), 'weft-stack-'));
after(() => rmSync(folder, { recursive: true, force: true }));
mkdirSync(join(folder, 'dist'));
writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
const tracing = pathToFileURL(resolve(import.meta.dirname, 'stack-trace.ts')).href;
const bundled = join(folder, 'dist/bundled.js');
writeFileSync(
  bundled,
  `import { traceFatalErrors } from ${JSON.stringify(tracing)};\ntraceFatalErrors();\nthrow new Error('broken');\n`,
);
// Line 3 of the bundle is line 41, column 5 of src/part.ts: vlq of (0, 0, 40, 4).
const map = { version: 3, sources: ['../src/part.ts'], names: [], mappings: ';;AAwCI' };
writeFileSync(`${bundled}.map`, JSON.stringify(map));

test('a frame of a file with a map is told in lines of its source', () => {
  for (const place of [bundled, pathToFileURL(bundled).href]) {
    const told = inSourceLines(`Error: x\n    at run (${place}:3:7)\n    at ${place}:3:7`);
    assert.equal(told, 'Error: x\n    at run (src/part.ts:41:5)\n    at src/part.ts:41:5');
  }
});

test('a frame without one, and other text, stay as they are', () => {
  const text = `Error: at file://no/frame\n    at node:net:1:2\n    at ${pathToFileURL(join(folder, 'other.js')).href}:3:7`;
  assert.equal(inSourceLines(text), text);
});

test('an error that ends the process is told in lines of the source', () => {
  const { status, stderr } = spawnSync(process.execPath, [bundled], { encoding: 'utf8', timeout: 20_000 });
  assert.equal(status, 1);
  assert.match(stderr, /Error: broken\n\s+at src\/part\.ts:41:5/);
});
