import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeDirectory } from './make-directory.ts';

const root = mkdtempSync(join(tmpdir(), 'weft-mkdir-'));
after(() => rmSync(root, { recursive: true, force: true }));

test('all that is missing is made, private; what is there stays as it is', () => {
  const path = join(root, 'a', 'b', 'c');
  makeDirectory(path, 0o700);
  for (const each of [path, join(root, 'a')]) assert.equal(statSync(each).mode & 0o777, 0o700);
  makeDirectory(path, 0o755);
  assert.equal(statSync(path).mode & 0o777, 0o700);
});

test('where nothing can be made it ends, with the system’s reason', () => {
  writeFileSync(join(root, 'file'), '');
  assert.throws(() => makeDirectory(join(root, 'file', 'x', 'y'), 0o700), { code: 'ENOTDIR' });
  // Node's own `recursive` never returns from this one.
  assert.throws(() => makeDirectory('/proc/weft/x', 0o700), { code: /^(ENOENT|EACCES|EPERM)$/ });
});
