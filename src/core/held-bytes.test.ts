import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeldBytes } from './held-bytes.ts';

test('what is held stays as it was when the reader uses its buffer again, and comes in order', () => {
  const held = new HeldBytes();
  const buffer = Buffer.from('bbcc');
  held.append(buffer, 0, 2);
  held.append(buffer, 2, 4);
  buffer.write('aaXX');
  held.prepend(buffer, 0, 2);
  buffer.fill('z');
  assert.equal(held.length, 6);
  const parts = [held.take(), held.take(), held.take()].map((part) => Buffer.from(part ?? []).toString());
  assert.deepEqual(parts, ['aa', 'bb', 'cc']);
  assert.equal(held.take(), null);
  assert.equal(held.length, 0);
});
