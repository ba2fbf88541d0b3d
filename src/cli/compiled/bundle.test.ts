import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { loadBundle } from './bundle.ts';

let folder = '';
let file = '';
let cache = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'weft-bundle-'));
  file = join(folder, 'part.js');
  cache = join(folder, 'cache');
  mkdirSync(cache, { mode: 0o700 });
  writeFileSync(file, "exports.twice = (x) => 2 * x;\nexports.fail = () => {\n  throw new Error('broken');\n};\n");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A process that loads the file, runs it and serves: within one process V8 remembers a text by itself. Gives what is kept then. */
function serve(): string {
  const program = `
    const { loadBundle } = await import(${JSON.stringify(new URL('bundle.ts', import.meta.url).href)});
    const { setTimeout: wait } = globalThis;
    globalThis.setTimeout = (work) => ({ unref() { wait(work, 0); } });
    const bundle = loadBundle(${JSON.stringify(file)}, ${JSON.stringify(cache)});
    if (bundle.exports.twice(21) !== 42) throw new Error('it does not run');
    bundle.keep();
  `;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  assert.equal(status, 0, stderr);
  const names = readdirSync(cache);
  assert.equal(names.length, 1);
  return names[0] ?? '';
}

test('code is kept once, for this user alone', () => {
  const name = serve();
  const kept = statSync(join(cache, name));
  assert.equal(kept.mode & 0o777, 0o600);
  assert.equal(serve(), name);
  assert.equal(statSync(join(cache, name)).ino, kept.ino, 'the second start loads it');
});

test('another file has code of its own, though it is as long: the former is forgotten', () => {
  const before = serve();
  writeFileSync(file, readFileSync(file, 'utf8').replace('2 * x', 'x + x'));
  assert.notEqual(serve(), before);
});

test('what is no code of this Node is not run, and replaced', () => {
  const name = serve();
  writeFileSync(join(cache, name), 'nonsense');
  assert.equal(serve(), name);
  assert.notEqual(readFileSync(join(cache, name), 'utf8'), 'nonsense');
});

test('nothing is kept where no directory is ours', () => {
  const bundle = loadBundle(file, null);
  bundle.keep();
  assert.equal((bundle.exports['twice'] as (x: number) => number)(1), 2);
});

test('stack traces have the lines of the file', () => {
  const { fail } = loadBundle(file, null).exports as { fail: () => void };
  assert.throws(fail, (error: Error) => error.stack?.includes(`${file}:3:9`) === true);
});
