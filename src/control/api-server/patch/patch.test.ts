import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isWeftError } from '../../../core/errors.ts';
import { jsonPatch } from './json-patch.ts';
import { mergePatch } from './merge-patch.ts';
import { strategicMerge } from './strategic-merge.ts';

test('merge patch: the cases of RFC 7396 appendix A', () => {
  const cases: [unknown, unknown, unknown][] = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  for (const [target, patch, expected] of cases) assert.deepEqual(mergePatch(target, patch), expected);
});

test('JSON patch: operations of RFC 6902 appendix A', () => {
  const cases: [unknown, unknown, unknown][] = [
    [{ foo: 'bar' }, [{ op: 'add', path: '/baz', value: 'qux' }], { foo: 'bar', baz: 'qux' }],
    [{ foo: ['bar', 'baz'] }, [{ op: 'add', path: '/foo/1', value: 'qux' }], { foo: ['bar', 'qux', 'baz'] }],
    [{ baz: 'qux', foo: 'bar' }, [{ op: 'remove', path: '/baz' }], { foo: 'bar' }],
    [{ foo: ['bar', 'qux'] }, [{ op: 'remove', path: '/foo/1' }], { foo: ['bar'] }],
    [{ baz: 'qux' }, [{ op: 'replace', path: '/baz', value: 'boo' }], { baz: 'boo' }],
    [
      { foo: { waldo: 'fred' }, qux: {} },
      [{ op: 'move', from: '/foo/waldo', path: '/qux/t' }],
      { foo: {}, qux: { t: 'fred' } },
    ],
    [
      { foo: ['all', 'grass', 'eat'] },
      [{ op: 'move', from: '/foo/1', path: '/foo/2' }],
      { foo: ['all', 'eat', 'grass'] },
    ],
    [{ foo: ['bar'] }, [{ op: 'add', path: '/foo/-', value: ['abc'] }], { foo: ['bar', ['abc']] }],
    [{ '/': 9, '~1': 10 }, [{ op: 'test', path: '/~01', value: 10 }], { '/': 9, '~1': 10 }],
    [{ a: { b: 1 } }, [{ op: 'copy', from: '/a', path: '/c' }], { a: { b: 1 }, c: { b: 1 } }],
  ];
  for (const [target, patch, expected] of cases) assert.deepEqual(jsonPatch(target, patch), expected);
});

test('JSON patch: what cannot be done is refused, a failed test is a conflict, and the target stays as it was', () => {
  const target = { foo: { bar: [1] } };
  const refused: [string, unknown][] = [
    ['invalid', [{ op: 'add', path: '/a/b', value: 1 }]],
    ['invalid', [{ op: 'remove', path: '/nothing' }]],
    ['invalid', [{ op: 'add', path: '/foo/bar/2', value: 1 }]],
    ['invalid', [{ op: 'add', path: '/foo/bar/01', value: 1 }]],
    ['invalid', [{ op: 'move', from: '/foo', path: '/foo/bar' }]],
    ['invalid', [{ op: 'nonsense', path: '/foo' }]],
    ['invalid', [{ op: 'add', path: '/x' }]],
    ['invalid', { op: 'add' }],
    ['conflict', [{ op: 'test', path: '/foo/bar', value: [2] }]],
  ];
  for (const [code, patch] of refused) {
    const withWrite = Array.isArray(patch) ? [{ op: 'add', path: '/written', value: 1 }, ...patch] : patch;
    assert.throws(
      () => jsonPatch(target, withWrite),
      (error) => isWeftError(error) && error.code === code,
    );
  }
  assert.deepEqual(target, { foo: { bar: [1] } });
});

test('strategic merge: the ports of a Service merge by port, with the directives that kubectl sends', () => {
  const target = { spec: { selector: { app: 'a' }, ports: [{ port: 80, name: 'http' }, { port: 81 }] } };
  const patch = {
    spec: {
      selector: null,
      '$setElementOrder/ports': [{ port: 82 }, { port: 80 }],
      ports: [{ port: 80, targetPort: 8080 }, { port: 81, $patch: 'delete' }, { port: 82 }],
    },
  };
  const expected = { spec: { ports: [{ port: 82 }, { port: 80, name: 'http', targetPort: 8080 }] } };
  assert.deepEqual(strategicMerge('Service', target, patch), expected);
  const replaced = { spec: { $patch: 'replace', ports: [{ port: 1 }] } };
  assert.deepEqual(strategicMerge('Service', target, replaced), { spec: { ports: [{ port: 1 }] } });
  assert.throws(() => strategicMerge('Service', target, { spec: { ports: [{ name: 'x' }] } }), /needs "port"/);
});
