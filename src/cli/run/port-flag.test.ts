/** The port flag: every form that the help names, and every mistake with a message that names it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../exit-codes.ts';
import { parsePortFlags } from './port-flag.ts';

test('every form of a port is read', () => {
  assert.deepEqual(parsePortFlags([]), []);
  assert.equal(parsePortFlags(['auto']), 'auto');
  assert.deepEqual(parsePortFlags(['8080', 'web=8081:http', '6379:tcp', 'admin=9000']), [
    { name: '', port: 8080, protocol: '' },
    { name: 'web', port: 8081, protocol: 'http' },
    { name: '', port: 6379, protocol: 'tcp' },
    { name: 'admin', port: 9000, protocol: '' },
  ]);
});

test('what is no port is refused as a mistake of usage that names the flag', () => {
  const mistakes = ['', '0', '65536', '80a', '-1', '8080:', '8080:htp', 'Web=80', '=80', '1=80', 'a_b=80', '80:http:x'];
  for (const text of mistakes) {
    assert.throws(
      () => parsePortFlags([text]),
      (error) => error instanceof UsageError && error.message.includes(text),
      text,
    );
  }
});

test('ports exclude each other where they would collide', () => {
  assert.throws(() => parsePortFlags(['auto', '80']), UsageError);
  assert.throws(() => parsePortFlags(['80', 'web=80']), /repeats/);
  assert.throws(() => parsePortFlags(['web=80', 'web=81']), /repeats/);
});
