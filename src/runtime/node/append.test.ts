import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { bytesOf } from '../../core/bytes.ts';
import { appendTo } from './append.ts';

test('appends keep their order, make a private file, and leave one that was rotated away within a second or so', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-append-'));
  const path = join(folder, 'logs/access.log');
  try {
    await Promise.all(['a', 'b', 'c', 'd'].map((text) => appendTo(path, bytesOf(text), 0o600)));
    assert.equal(readFileSync(path, 'utf8'), 'abcd');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    renameSync(path, `${path}.1`);
    await sleep(1_300);
    await appendTo(path, bytesOf('new'), 0o600);
    assert.equal(readFileSync(path, 'utf8'), 'new');
    assert.equal(readFileSync(`${path}.1`, 'utf8'), 'abcd');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a file that cannot be opened is refused each time, and served when it can be', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-append-'));
  try {
    await assert.rejects(appendTo(folder, bytesOf('x'), 0o600), { code: 'EISDIR' });
    await assert.rejects(appendTo(folder, bytesOf('x'), 0o600), { code: 'EISDIR' });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('standard output is written to though it is a socket, which no name opens', async () => {
  const program = `import { appendTo } from ${JSON.stringify(import.meta.resolve('./append.ts'))};
    const bytes = (text) => Buffer.from(text);
    await Promise.all([appendTo('/dev/stdout', bytes('a'), 0o600), appendTo('/dev/stdout', bytes('b'), 0o600)]);
    await appendTo('/dev/stderr', bytes('c'), 0o600);`;
  // Its pipes are sockets.
  const said = await new Promise<string>((resolve, reject) => {
    execFile(process.execPath, ['--input-type=module', '-e', program], (error, out, wrong) =>
      error === null ? resolve(`${out}|${wrong}`) : reject(error),
    );
  });
  assert.equal(said, 'ab|c');
});
