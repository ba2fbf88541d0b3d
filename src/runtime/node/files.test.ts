import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { bytesOf, textOf } from '../../core/bytes.ts';
import { isWeftError } from '../../core/errors.ts';
import { nodeFiles } from './files.ts';

let root = '';

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'weft-files-'));
});

after(async () => {
  await rm(root, { recursive: true });
});

test('a written file has its mode, its directories are private, and no temporary file stays', async () => {
  const path = join(root, 'ca', 'deep', 'root.key');
  const umask = process.umask(0o077);
  try {
    await nodeFiles.write(path, bytesOf('secret'), 0o640);
  } finally {
    process.umask(umask);
  }
  assert.equal((await stat(path)).mode & 0o777, 0o640, 'whatever the umask');
  assert.equal((await stat(join(root, 'ca'))).mode & 0o777, 0o700);
  assert.equal((await stat(join(root, 'ca', 'deep'))).mode & 0o777, 0o700);
  await nodeFiles.write(path, bytesOf('another'), 0o600);
  assert.equal(textOf(await nodeFiles.read(path)), 'another');
  assert.equal((await stat(path)).mode & 0o777, 0o600, 'a second write sets its own mode');
  assert.deepEqual(await readdir(join(root, 'ca', 'deep')), ['root.key']);
});

test('writers at the same time leave one whole file', async () => {
  const path = join(root, 'race');
  const texts = Array.from({ length: 20 }, (_, i) => `${i}`.repeat(10_000));
  await Promise.all(texts.map((text) => nodeFiles.write(path, bytesOf(text), 0o600)));
  assert.ok(texts.includes(textOf(await nodeFiles.read(path))));
});

test('append makes the file and adds to it', async () => {
  const path = join(root, 'log', 'access.log');
  await nodeFiles.append(path, bytesOf('a\n'), 0o600);
  await nodeFiles.append(path, bytesOf('b\n'), 0o600);
  assert.equal(textOf(await nodeFiles.read(path)), 'a\nb\n');
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});

test('what is missing is file-not-found with its path, and a failed write leaves nothing', async () => {
  const missing = join(root, 'missing');
  const notFound = (error: unknown): boolean => isWeftError(error, 'file-not-found') && error.where === missing;
  await assert.rejects(nodeFiles.read(missing), notFound);
  await assert.rejects(nodeFiles.remove(missing), notFound);
  await assert.rejects(nodeFiles.list(missing), notFound);
  await nodeFiles.write(join(root, 'file'), bytesOf(''), 0o600);
  await assert.rejects(nodeFiles.write(join(root, 'file', 'below'), bytesOf(''), 0o600), (error) =>
    isWeftError(error, 'io'),
  );
  const before = (await nodeFiles.list(root)).length;
  await assert.rejects(nodeFiles.write(join(root, 'ca'), bytesOf('x'), 0o600), (error) => isWeftError(error, 'io'));
  assert.equal((await nodeFiles.list(root)).length, before);
});
