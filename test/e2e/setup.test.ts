/** Setting up a checkout: dependencies are installed when the lock asks for others, and never through a symbolic link. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { checkout } from '../support/weft-program.ts';

let folder = '';
/** What the `npm` of these tests was called with. */
let calls = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'weft-setup-'));
  calls = join(folder, 'calls');
  mkdirSync(join(folder, 'bin'));
  mkdirSync(join(folder, 'checkout/tools'), { recursive: true });
  const npm = `#!/bin/sh\necho "$@" >> ${calls}\nmkdir -p node_modules\n`;
  writeFileSync(join(folder, 'bin/npm'), npm, { mode: 0o755 });
  copyFileSync(join(checkout, 'tools/setup.cjs'), join(folder, 'checkout/tools/setup.cjs'));
  writeLock({ 'node_modules/a': { version: '1.0.0', integrity: 'x' } });
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function writeLock(packages: Record<string, Record<string, unknown>>): void {
  writeFileSync(join(folder, 'checkout/package-lock.json'), JSON.stringify({ packages: { '': {}, ...packages } }));
}

/** How often it has installed so far. */
function setUp(): number {
  const { status, stderr } = spawnSync(process.execPath, ['tools/setup.cjs'], {
    cwd: join(folder, 'checkout'),
    env: { PATH: `${join(folder, 'bin')}:/usr/bin:/bin` },
    encoding: 'utf8',
    timeout: 20_000,
  });
  assert.equal(status, 0, stderr);
  return existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n').length : 0;
}

test('it installs once, and again when the lock asks for something else', () => {
  assert.equal(setUp(), 1);
  assert.equal(setUp(), 1);
  writeLock({ 'node_modules/a': { version: '1.0.0', integrity: 'x', dev: true } });
  assert.equal(setUp(), 1, 'what a dependency is for changes nothing that is installed');
  writeLock({ 'node_modules/a': { version: '1.0.1', integrity: 'y' } });
  assert.equal(setUp(), 2);
});

test('what lies behind a symbolic link is another checkout’s: it stays as it is', () => {
  const other = join(folder, 'other');
  mkdirSync(join(other, '.bin'), { recursive: true });
  writeFileSync(join(other, '.bin/node'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  symlinkSync(other, join(folder, 'checkout/node_modules'));
  assert.equal(setUp(), 0);
  assert.ok(existsSync(join(other, '.bin/node')));
  assert.ok(!existsSync(join(other, '.weft-installed')));
});
