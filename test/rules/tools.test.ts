/** The linter, the compiler and the formatter fire on what they forbid, and look at the whole tree: a tool that sees no file is green too. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';

const root = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'weft-tools-'));
after(() => rmSync(folder, { recursive: true, force: true }));

for (const file of ['.oxlintrc.json', 'tsconfig.json', 'biome.json']) cpSync(join(root, file), join(folder, file));
symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
spawnSync('git', ['init', '-q'], { cwd: folder });
mkdirSync(join(folder, 'src'));
writeFileSync(
  join(folder, 'src/sample.ts'),
  `import { b } from './other.ts';
async function work(): Promise<void> {}
work();
export const a: any = b;
enum Colour { Red }
export default Colour;
`,
);
writeFileSync(join(folder, 'src/other.ts'), "import type { a } from './sample.ts';\nexport const b: typeof a = 1;\n");
writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');

function run(tool: string, ...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(join(root, 'node_modules/.bin', tool), args, {
    encoding: 'utf8',
    cwd: folder,
    timeout: 60_000,
  });
  return { status, output: stdout + stderr };
}

test('the linter fires: any, a floating promise, a default export, a cycle by types alone', () => {
  const { status, output } = run('oxlint', '--type-aware', 'src');
  assert.notEqual(status, 0);
  for (const rule of ['no-explicit-any', 'no-floating-promises', 'no-default-export', 'no-cycle'])
    assert.match(output, new RegExp(rule));
});

test('the compiler fires on what Node cannot strip', () => {
  const { status, output } = run('tsc', '--noEmit');
  assert.notEqual(status, 0);
  assert.match(output, /erasableSyntaxOnly/);
});

test('the formatter fires', () => {
  assert.notEqual(run('biome', 'format', 'src/sample.ts').status, 0);
});

test('the linter and the compiler look at the whole tree', () => {
  const lint = spawnSync(join(root, 'node_modules/.bin/oxlint'), ['--type-aware'], { encoding: 'utf8', cwd: root });
  assert.ok(Number(/on (\d+) files/.exec(lint.stdout)?.[1]) > 500, lint.stdout.slice(-500));
  const types = spawnSync(join(root, 'node_modules/.bin/tsc'), ['--noEmit', '--listFilesOnly'], {
    encoding: 'utf8',
    cwd: root,
    maxBuffer: 2 ** 26,
  });
  assert.ok(
    types.stdout.split('\n').filter((line) => line.includes('/src/') && !line.includes('node_modules')).length > 500,
  );
});
