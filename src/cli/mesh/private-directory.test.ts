import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isWeftError } from '../../core/errors.ts';
import { makePrivate, refuseShared } from './private-directory.ts';

const folder = mkdtempSync(join(tmpdir(), 'weft-private-'));
after(() => rmSync(folder, { recursive: true }));

function withMode(mode: number): string {
  const path = join(folder, mode.toString(8));
  mkdirSync(path, { recursive: true });
  chmodSync(path, mode);
  return path;
}

const isDenied = (error: unknown): boolean => isWeftError(error, 'permission-denied') && error.hint !== '';

test('the control plane makes its directory for its user alone, and takes none that others may enter', () => {
  const fresh = join(folder, 'a', 'b', 'c');
  makePrivate(fresh);
  makePrivate(fresh);
  assert.equal(statSync(fresh).mode & 0o777, 0o700);
  for (const mode of [0o755, 0o701, 0o770]) assert.throws(() => makePrivate(withMode(mode)), isDenied);
});

test('where no directory can be made it says so, and at once', { timeout: 10_000 }, () => {
  const places = process.platform === 'linux' ? ['/proc/self/weft', '/dev/null/weft'] : ['/dev/null/weft'];
  for (const place of places) assert.throws(() => makePrivate(place), isDenied);
});

test('an agent takes no directory in which others may write', () => {
  for (const mode of [0o777, 0o775, 0o1777, 0o702]) assert.throws(() => refuseShared(withMode(mode)), isDenied);
  for (const mode of [0o700, 0o755]) refuseShared(withMode(mode));
  refuseShared(join(folder, 'not-there'));
});
