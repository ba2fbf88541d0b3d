import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { viewOf } from './bytes.ts';
import { copyShort, equalBytes, hashOfBytes, isEqual, printableEnd } from './words.ts';

const bytes = fc.uint8Array({ maxLength: 70 });
const edge = fc.constantFrom(0x00, 0x09, 0x1f, 0x20, 0x7e, 0x7f, 0x80, 0x9f, 0xff, 0x41);

function shifted(by: number, given: Uint8Array): DataView {
  return viewOf(Buffer.concat([Buffer.alloc(by, 0x5a), given, Buffer.of(1)]));
}

test('ranges are compared as byte by byte, wherever they stand', () => {
  fc.assert(
    fc.property(bytes, fc.nat(69), fc.nat(255), fc.nat(5), (given, at, flip, by) => {
      const other = given.slice();
      if (at < other.length) other[at] = (other[at] ?? 0) ^ flip;
      const first = given.findIndex((byte, i) => byte !== other[i]);
      const equal = first < 0 ? given.length : first;
      assert.equal(equalBytes(shifted(1, given), 1, shifted(by, other), by, given.length), equal);
      assert.equal(isEqual(shifted(1, given), 1, shifted(by, other), by, given.length), equal === given.length);
    }),
  );
});

test('short ranges are copied, and nothing beside them', () => {
  fc.assert(
    fc.property(bytes, fc.nat(5), fc.nat(5), (given, from, to) => {
      const out = Buffer.alloc(80, 0xaa);
      copyShort(shifted(from, given), from, viewOf(out), to, given.length);
      const wanted = Buffer.alloc(80, 0xaa);
      wanted.set(given, to);
      assert.deepEqual(out, wanted);
    }),
  );
});

test('equal bytes have one hash, and one bit more or less another low byte now and then', () => {
  fc.assert(
    fc.property(bytes, fc.nat(5), (given, by) => {
      assert.equal(
        hashOfBytes(shifted(by, given), by, by + given.length),
        hashOfBytes(shifted(0, given), 0, given.length),
      );
    }),
  );
  const buckets = new Set<number>();
  for (let i = 0; i < 256; i++) {
    const value = Buffer.from('7d9a1c52-55f1-4f0e-9d1b-000000000000');
    value[11] = i;
    buckets.add(hashOfBytes(viewOf(value), 0, value.length) & 0xff);
  }
  assert.ok(buckets.size > 128, `${buckets.size} of 256`);
});

test('what is not printable is found, wherever it stands', () => {
  fc.assert(
    fc.property(fc.array(edge, { maxLength: 40 }), fc.nat(5), (given, by) => {
      const first = given.findIndex((byte) => byte < 0x20 || byte > 0x7e);
      const end = first < 0 ? given.length : first;
      assert.equal(printableEnd(shifted(by, Uint8Array.from(given)), by, by + given.length), by + end);
    }),
  );
});
