import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { hash32, rehash32 } from './hash.ts';

function of(text: string, seed = 0): number {
  const bytes = Buffer.from(text);
  return hash32(bytes, 0, bytes.length, seed);
}

test('the hash is MurmurHash3 x86_32, whose values are published', () => {
  assert.equal(of(''), 0);
  assert.equal(of('', 1), 0x514e28b7);
  assert.equal(of('', 0xffffffff), 0x81f16f39);
  assert.equal(of('hello'), 0x248bfa47);
  assert.equal(of('hello, world'), 0x149bbb7f);
  assert.equal(of('The quick brown fox jumps over the lazy dog'), 0x2e4ff723);
  assert.equal(of('aaaa', 0x9747b28c), 0x5a97808a);
  assert.equal(of('aaa', 0x9747b28c), 0x283e0130);
  assert.equal(of('aa', 0x9747b28c), 0x5d211726);
  assert.equal(of('a', 0x9747b28c), 0x7fa09ea6);
});

test('only the bytes of the range count, wherever they lie', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 9 }), fc.nat(), (bytes, before, seed) => {
      const shifted = Buffer.concat([before, bytes, Buffer.from('after')]);
      const moved = hash32(shifted, before.length, before.length + bytes.length, seed);
      assert.equal(moved, hash32(bytes, 0, bytes.length, seed));
    }),
  );
});

test('a rehash is unsigned, and different seeds scatter the same hash', () => {
  const places = new Set<number>();
  for (let seed = 0; seed < 1000; seed++) places.add(rehash32(123, seed));
  assert.equal(places.size, 1000);
  for (const place of places) assert.ok(Number.isInteger(place) && place >= 0 && place <= 0xffffffff);
});
