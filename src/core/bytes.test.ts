import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes, copyOf } from './bytes.ts';

for (const [kind, make] of [
  ['a Buffer', () => Buffer.from('borrowed')],
  ['a Uint8Array', () => new Uint8Array(Buffer.from('borrowed'))],
  ['part of another', () => Buffer.from('<borrowed>').subarray(1, 9)],
] as const) {
  test(`a copy of ${kind} does not change with it`, () => {
    const bytes = make();
    const copies = [copyOf(bytes), concatBytes([bytes]), concatBytes([bytes, bytes]).subarray(8)];
    const part = copyOf(bytes, 3, 6);
    bytes.fill(0);
    for (const copy of copies) assert.equal(Buffer.from(copy).toString(), 'borrowed');
    assert.equal(Buffer.from(part).toString(), 'row');
  });
}
