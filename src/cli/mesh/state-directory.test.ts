/** Which mesh a command speaks to. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isWeftError } from '../../core/errors.ts';
import { readAdminFile } from './admin-file.ts';
import { findDevPointer, writeDevPointer } from './dev-pointer.ts';
import { meshPlace } from './state-directory.ts';

function temporary(t: { after(run: () => void): void }): string {
  const directory = mkdtempSync(join(tmpdir(), 'weft-test-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

test('flag, then variable, then the running weft dev, then the user’s own directory', (t) => {
  const root = temporary(t);
  const below = join(root, 'a', 'b');
  mkdirSync(below, { recursive: true });
  const home = { XDG_STATE_HOME: '/home/u/state' };
  assert.deepEqual(meshPlace({}, home, below), { stateDir: '/home/u/state/weft', namespace: 'default' });
  const forget = writeDevPointer(root, { pid: process.pid, stateDir: '/dev-mesh', namespace: 'shop' });
  assert.ok(forget);
  assert.deepEqual(meshPlace({}, home, below), { stateDir: '/dev-mesh', namespace: 'shop' });
  assert.deepEqual(meshPlace({ namespace: 'other' }, home, below), { stateDir: '/dev-mesh', namespace: 'other' });
  assert.equal(meshPlace({}, { ...home, WEFT_STATE_DIR: '/named' }, below).stateDir, '/named');
  assert.equal(meshPlace({ stateDir: '/flag' }, { WEFT_STATE_DIR: '/named' }, below).stateDir, '/flag');
  assert.equal(writeDevPointer(root, { pid: process.pid, stateDir: '/second', namespace: 'x' }), null);
  forget();
  assert.equal(existsSync(join(root, '.weft')), false);
});

test('the pointer of a process that is gone counts as none', (t) => {
  const root = temporary(t);
  mkdirSync(join(root, '.weft'));
  const gone = 2 ** 22 + 1;
  writeFileSync(join(root, '.weft', 'dev.json'), JSON.stringify({ pid: gone, stateDir: '/x', namespace: 'n' }));
  assert.equal(findDevPointer(root), null);
});

test('a credential that is missing, damaged or unreadable is told apart', (t) => {
  const root = temporary(t);
  const path = join(root, 'admin.json');
  assert.throws(
    () => readAdminFile(root),
    (error) => isWeftError(error, 'unavailable') && /weft up/.test(error.hint),
  );
  writeFileSync(path, '{"server":');
  assert.throws(
    () => readAdminFile(root),
    (error) => isWeftError(error, 'invalid') && error.where === path,
  );
  if (process.getuid?.() === 0) return;
  chmodSync(path, 0o000);
  assert.throws(
    () => readAdminFile(root),
    (error) => isWeftError(error, 'permission-denied'),
  );
});
