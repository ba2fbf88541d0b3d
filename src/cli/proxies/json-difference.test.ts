import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type Json, jsonDifference } from './json-difference.ts';

test('what differs is told by its path; named items are compared by name', () => {
  const has = { name: 'a', routes: [{ name: 'x', timeout: '1s' }, { name: 'y' }], list: [1, 2], gone: true };
  const offered = { name: 'a', routes: [{ name: 'new' }, { name: 'x', timeout: '2s' }, { name: 'y' }], list: [1, 3] };
  assert.deepEqual(jsonDifference(has, offered), [
    { path: 'routes.x.timeout', has: '1s', offered: '2s' },
    { path: 'routes.new', has: undefined, offered: { name: 'new' } },
    { path: 'list[1]', has: 2, offered: 3 },
    { path: 'gone', has: true, offered: undefined },
  ]);
});

test('the order of named items is a difference of its own', () => {
  assert.deepEqual(jsonDifference({ r: [{ name: 'a' }, { name: 'b' }] }, { r: [{ name: 'b' }, { name: 'a' }] }), [
    { path: 'r (order)', has: ['a', 'b'], offered: ['b', 'a'] },
  ]);
});

test('equal values do not differ, and others do', () => {
  const value = fc.jsonValue().filter((each) => !JSON.stringify(each).includes('-0')) as fc.Arbitrary<Json>;
  fc.assert(
    fc.property(value, value, (a, b) => {
      assert.deepEqual(jsonDifference(a, structuredClone(a) as Json), []);
      let same = true;
      try {
        assert.deepStrictEqual(a, b);
      } catch {
        same = false;
      }
      assert.equal(jsonDifference(a, b).length === 0, same);
    }),
  );
});
