import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { refusedBy } from './refusals.ts';

test('a line for each resource, as Weft writes them', () => {
  assert.deepEqual(
    [...refusedBy('a: too long\nb|80: unknown', ['a', 'b|80', 'c'])],
    [
      ['a', 'too long'],
      ['b|80', 'unknown'],
    ],
  );
});

test('names in prose, as Envoy writes them, where they stand alone', () => {
  assert.deepEqual([...refusedBy('Error adding listener(s) a|b: no filters', ['a', 'a|b']).keys()], ['a|b']);
});

test('a text that names nothing blames all; a client may have asked for a resource without a name', () => {
  assert.deepEqual([...refusedBy('no', ['a', 'b']).keys()], ['a', 'b']);
  assert.deepEqual([...refusedBy('catalog: no', [''])], [['', 'catalog: no']]);
});

test('whatever the text and the names, somebody of those is blamed', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '|', ':', ' ', '\n', '.'), maxLength: 30 });
  fc.assert(
    fc.property(text, fc.uniqueArray(text, { minLength: 1, maxLength: 5 }), (message, names) => {
      const blamed = [...refusedBy(message, names).keys()];
      assert.ok(blamed.length > 0 && blamed.every((name) => names.includes(name)));
    }),
  );
});
