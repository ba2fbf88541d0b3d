import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { putEscaped, putInteger, putMillis, putText } from './json-line.ts';

const out = new Uint8Array(10_000);
const written = (end: number): string => Buffer.from(out.subarray(0, end)).toString('latin1');

test('whatever bytes a peer sends, the line stays JSON and says them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
      const text: unknown = JSON.parse(written(putEscaped(out, 0, bytes, 0, bytes.length, 500)));
      assert.equal(text, Buffer.from(bytes).toString('latin1'));
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 500 }), (text) => {
      assert.equal(JSON.parse(written(putText(out, 0, text, 1_000))), text);
    }),
  );
});

test('numbers read back as they were', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (value) => {
      assert.equal(Number(written(putInteger(out, 0, value))), value);
    }),
  );
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), (value) => {
      assert.ok(Math.abs(Number(written(putMillis(out, 0, value))) - value) <= 0.000_51);
    }),
  );
});
