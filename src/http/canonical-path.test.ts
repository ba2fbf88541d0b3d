import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hasEscapedSlash, isSuspicious, mergeSlashes, normalizePath, unescapeSlashes } from './canonical-path.ts';

/** What Envoy makes of the same. */
const NORMAL: readonly (readonly [path: string, normal: string])[] = [
  ['/a/./b/../c', '/a/c'],
  ['/../../a', '/a'],
  ['/a/..', '/'],
  ['/a/.', '/a/'],
  ['/a//b', '/a//b'],
  ['/%2e%2E/admin', '/admin'],
  ['/a/%2e%2e%2fb', '/a/..%2fb'],
  ['/a\\..\\b', '/b'],
  ['/%41%7e%20%3f', '/A~%20%3f'],
  ['/%zz%', '/%zz%'],
  ['/%2%41', '/%252A'],
  ['/a/..;x=1/b', '/b'],
  ['/a/...;x/b', '/a/...;x/b'],
  ['/"<|>', '/%22%3C%7C%3E'],
  ['/a/../b?c=/../d//', '/b?c=/../d//'],
];

for (const [path, normal] of NORMAL) {
  test(`${path} is ${normal}`, () => {
    assert.equal(normalizePath(path), normal);
    const bytes = Buffer.from(path);
    if (path !== normal) assert.ok(isSuspicious(bytes, 0, bytes.length));
  });
}

test('an escaped NUL has no normal form, but for one in a query', () => {
  assert.equal(normalizePath('/a%00b'), null);
  assert.equal(normalizePath('/a?%00'), '/a?%00');
});

test('slashes are merged and unescaped in paths alone', () => {
  assert.equal(mergeSlashes('//a///b//?x=//'), '/a/b/?x=//');
  assert.equal(unescapeSlashes('/a%2Fb%5cc?d=%2f'), '/a/b\\c?d=%2f');
  assert.ok(hasEscapedSlash('/a%5Cb') && !hasEscapedSlash('/a?b=%2f'));
});

const pieces = fc.constantFrom(
  '/',
  '.',
  '..',
  '%2e',
  '%2F',
  '\\',
  'a',
  '%41',
  '%',
  '%2',
  ';',
  '?',
  '"',
  '|',
  'é'.slice(1),
);
const paths = fc.array(pieces, { maxLength: 12 }).map((parts) => `/${parts.join('')}`);

test('a normal path has no dot segments, no backslashes, and is its own normal form', () => {
  fc.assert(
    fc.property(paths, (path) => {
      const normal = normalizePath(path);
      if (normal === null) return;
      const [alone = ''] = normal.split('?', 1);
      assert.ok(alone.startsWith('/'));
      assert.doesNotMatch(alone, /\\|\/\.\.?(?:[/;]|$)/);
      assert.equal(normalizePath(normal), normal);
    }),
  );
});

test('what is not suspicious is left as it is by all of them', () => {
  fc.assert(
    fc.property(paths, (path) => {
      const bytes = Buffer.from(path);
      if (isSuspicious(bytes, 0, bytes.length)) return;
      assert.deepEqual([normalizePath(path), mergeSlashes(path), unescapeSlashes(path)], [path, path, path]);
    }),
  );
});
