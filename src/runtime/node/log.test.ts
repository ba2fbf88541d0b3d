import assert from 'node:assert/strict';
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
