import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { createLog } from './log.ts';

test('machines get one JSON object a line, with the fields of every ancestor', () => {
  const lines: string[] = [];
  const log = createLog({ level: 'info', json: true, write: (line) => lines.push(line) });
  log.child({ proxy: 'shop/web' }).child({ listener: 'inbound|80' }).warn('refused', { reason: 'tls: x' });
  log.debug('not written');
  assert.equal(lines.length, 1);
  const { time, ...rest } = JSON.parse(lines[0] ?? '');
  assert.ok(!Number.isNaN(Date.parse(time)));
  assert.deepEqual(rest, {
    level: 'warn',
    proxy: 'shop/web',
    listener: 'inbound|80',
    reason: 'tls: x',
    message: 'refused',
  });
});

test('a field that JSON cannot say does not cost the line', () => {
  const lines: string[] = [];
  const log = createLog({ json: true, write: (line) => lines.push(line) });
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  log.info('bytes', { sent: 12n, error: new Error('broke') });
  log.info('circle', { circle });
  const [first, second] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual([first?.['sent'], first?.['error']], ['12', 'broke']);
  assert.equal(second?.['message'], 'circle');
});

test('a reader that is behind gets every line whole', () => {
  // A pipe's buffer is 64 KiB on Linux: the writer has to wait for the reader in between.
  const writer = `
    import { createLog } from ${JSON.stringify(new URL('log.ts', import.meta.url).href)};
    const log = createLog({ json: true });
    for (let i = 0; i < 400; i += 1) log.info('line', { i, filler: 'x'.repeat(1_000) });
  `;
  const command = `"$0" --input-type=module -e "$1" 2>&1 >/dev/null | (sleep 0.1; cat)`;
  const { stdout } = spawnSync('sh', ['-c', command, process.execPath, writer], { encoding: 'utf8', timeout: 20_000 });
  const numbers = stdout
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { i: number }).i);
  assert.deepEqual(
    numbers,
    Array.from({ length: 400 }, (_, i) => i),
  );
});

test('people get one line, and what a peer sent cannot make another', () => {
  const lines: string[] = [];
  const log = createLog({ level: 'debug', json: false, write: (line) => lines.push(line) });
  log.child({ a: 1 }).info('it\nhappened', { path: '/x\r\n\u001b[2Jfake', error: new Error('broke') });
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /^\d\d:\d\d:\d\d info {2}it\\x0ahappened {2}a=1 {2}path="\/x.*" {2}error=broke\n$/);
  assert.ok(!/[\r\u001b]/.test(lines[0] ?? ''));
});

test('a silent log writes nothing in either form', () => {
  for (const json of [true, false]) {
    const log = createLog({ level: 'silent', json, write: () => assert.fail('written') });
    log.error('quiet');
    assert.equal(log.enabled('error'), false);
  }
});
