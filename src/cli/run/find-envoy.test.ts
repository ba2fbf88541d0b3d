/** Which Envoy is found, and what is said when there is none. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findEnvoy } from './find-envoy.ts';

const folder = mkdtempSync(join(tmpdir(), 'weft-find-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function programIn(name: string, mode: number): string {
  const directory = join(folder, name);
  mkdirSync(directory);
  writeFileSync(join(directory, 'envoy'), '');
  chmodSync(join(directory, 'envoy'), mode);
  return directory;
}

test('the first in PATH that can be run, or the one that is named', () => {
  const data = programIn('data', 0o600);
  const first = programIn('first', 0o700);
  const second = programIn('second', 0o700);
  assert.equal(findEnvoy(null, [data, '', first, second].join(':')), join(first, 'envoy'));
  assert.equal(findEnvoy(join(second, 'envoy'), first), join(second, 'envoy'));
  assert.throws(() => findEnvoy(null, data), { code: 'file-not-found', where: 'envoy in PATH', hint: /--envoy-path/ });
  assert.throws(() => findEnvoy(join(data, 'envoy'), first), { where: join(data, 'envoy') });
});
