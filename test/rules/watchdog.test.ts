/** A test file that hangs fails in the time of one file, says why, and takes nobody with it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, describe, test } from 'node:test';
import { missing } from '../support/components.ts';

const RUNNER = resolve(import.meta.dirname, '../../tools/test.ts');
/** Of a run that should end by itself, on a machine that has other things to do. */
const LIMIT = { timeout: 60_000 };

const folder = mkdtempSync(join(tmpdir(), 'weft-watchdog-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function fixture(name: string, text: string): string {
  const path = join(folder, `${name}.test.mjs`);
  writeFileSync(path, `import { after, test } from 'node:test';\n${text}`);
  return path;
}

function run(...args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [RUNNER, ...args], { env, timeout: LIMIT.timeout });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()));
    child.on('error', failed);
    child.on('close', (code) => done({ code, output }));
  });
}

describe('a test file that passes and does not end', { concurrency: true }, () => {
  const LISTEN =
    "import { createServer } from 'node:net';\nconst leak = () => createServer().listen(0, '127.0.0.1');\n";

  test('because of a socket: it fails, and says what it holds', LIMIT, async () => {
    const file = fixture('socket', `${LISTEN}test('passes', () => void leak());`);
    const { code, output } = await run('--file-limit-s=2', file);
    assert.equal(code, 1, output);
    assert.match(output, /✔ passes/);
    assert.match(output, /socket\.test\.mjs has not ended after 2 s/);
    assert.match(output, /TCPServerWrap/);
    assert.match(output, /tcp .*"localEndpoint":\{"ip4":"127\.0\.0\.1"/);
  });

  test('because of a hook that waits for ever: the same', LIMIT, async () => {
    const file = fixture('hook', `${LISTEN}after(() => new Promise(() => leak()));\ntest('passes', () => {});`);
    const { code, output } = await run('--file-limit-s=2', file);
    assert.equal(code, 1, output);
    assert.match(output, /hook\.test\.mjs has not ended after 2 s/);
  });

  test('because Node does not get through its exit: it is ended from outside', {
    ...LIMIT,
    skip: missing('ps'),
  }, async () => {
    const wait = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)';
    const file = fixture('exit', `process.on('exit', () => void ${wait});\ntest('passes', () => {});`);
    const { code, output } = await run('--file-limit-s=2', file);
    assert.equal(code, 1, output);
    assert.match(output, /✔ passes/);
    assert.match(output, /exit\.test\.mjs has not ended after 2 s and cannot say why/);
  });

  test('and whose thread is blocked: the run has an end, and what the file started ends too', LIMIT, async () => {
    // Its output stays open for as long as anybody who holds it lives.
    const file = fixture(
      'blocked',
      `import { spawn } from 'node:child_process';
test('blocks', () => {
  spawn('sleep', ['300'], { stdio: 'inherit' });
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});`,
    );
    const { code, output } = await run('--limit-s=5', file);
    assert.equal(code, 1, output);
    assert.match(output, /the tests are not done after 5 s/);
    assert.match(output, /blocked\.test\.mjs/);
  });
});

test('a file that ends is neither hurried nor held up', LIMIT, async () => {
  const startedAt = performance.now();
  const { code, output } = await run('--file-limit-s=50', '--limit-s=50', fixture('fine', "test('passes', () => {});"));
  assert.equal(code, 0, output);
  assert.doesNotMatch(output, /has not ended/);
  assert.ok(performance.now() - startedAt < 45_000);
});

test('a limit that is no number is refused', LIMIT, async () => {
  const { code, output } = await run('--limit-s=soon', fixture('never', ''));
  assert.equal(code, 1);
  assert.match(output, /--limit-s wants seconds/);
});
