import assert from 'node:assert/strict';
import test from 'node:test';
import { bothEnds } from './both-ends.ts';

test('a long text keeps both of its ends within the bound', () => {
  assert.equal(bothEnds('0123456789', 10), '0123456789');
  assert.equal(bothEnds('0123456789', 9), '012…56789');
});
