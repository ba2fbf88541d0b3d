import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf } from '../../core/bytes.ts';
import { sharedPattern } from './shared-pattern.ts';

test('one source is one automaton, another is another, and what cannot be compiled throws each time', () => {
  const first = sharedPattern('GET|HEAD');
  assert.equal(sharedPattern('GET|HEAD'), first);
  assert.notEqual(sharedPattern('GET|POST'), first);
  const post = bytesOf('POST');
  assert.equal(first.test(post, 0, post.length), false);
  assert.equal(sharedPattern('GET|POST').test(post, 0, post.length), true);
  for (let i = 0; i < 2; i++) assert.throws(() => sharedPattern('('));
});

test('it remembers a bounded number of sources', () => {
  const first = sharedPattern('first');
  for (let i = 0; i < 300; i++) sharedPattern(`source${i}`);
  assert.notEqual(sharedPattern('first'), first);
});
