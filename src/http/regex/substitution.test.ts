import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isWeftError } from '../../core/errors.ts';
import { Pattern } from './pattern.ts';
import { Substitution } from './substitution.ts';

const replaced = (regex: string, substitution: string, text: string): string =>
  new Substitution(regex, substitution).replaceAll(text);

/** The examples of Envoy's documentation of RouteAction.regex_rewrite, and RE2's own rules. */
const CASES: readonly (readonly [regex: string, substitution: string, text: string, result: string])[] = [
  ['^/service/([^/]+)(/.*)$', '\\2/instance/\\1', '/service/foo/v1/api', '/v1/api/instance/foo'],
  ['one', 'two', '/xxx/one/yyy/one/zzz', '/xxx/two/yyy/two/zzz'],
  ['^(.*?)one(.*)$', '\\1two\\2', '/xxx/one/yyy/one/zzz', '/xxx/two/yyy/one/zzz'],
  ['(?i)/xxx/', '/yyy/', '/aaa/XxX/bbb', '/aaa/yyy/bbb'],
  ['a|ab', 'x', 'ab', 'xb'],
  ['(a|ab)(c|bcd)', '[\\1][\\2]', 'abcd', '[a][bcd]'],
  ['a*', '-', 'baaac', '-b-c-'],
  ['$', '!', '/a', '/a!'],
  ['^', '!', '/a', '!/a'],
  ['(a)|(b)', '<\\1\\2>', 'ab', '<a><b>'],
  ['(?:(a)|b)*', '\\1', 'ab', 'a'],
  ['(?P<first>[a-z]+)-(?P<second>[0-9]+)', '\\2-\\1', 'ab-12', '12-ab'],
  ['a{2,3}?', 'x', 'aaaa', 'xx'],
  ['b', '\\\\', 'abc', 'a\\c'],
  ['b', '\\0\\0', 'abc', 'abbc'],
  ['nothing', 'x', '/a', '/a'],
  ['.', 'x', '', ''],
];

for (const [regex, substitution, text, result] of CASES) {
  test(`${text} with ${regex} → ${substitution}`, () => assert.equal(replaced(regex, substitution, text), result));
}

test('what it refers to is there, and a backslash stands before a digit or a backslash', () => {
  for (const [regex, substitution] of [
    ['(a)', '\\2'],
    ['(?:a)', '\\1'],
    ['a', '\\x'],
    ['a', 'end\\'],
    ['(a', '\\1'],
  ] as const) {
    assert.throws(() => new Substitution(regex, substitution), isWeftError, `${regex} ${substitution}`);
  }
});

/** Without empty matches and without groups that are repeated, where JavaScript has rules of its own. */
const atom = fc.constantFrom('a', 'b', 'c', '[ab]', '[^a]', '.');
const quantifier = fc.constantFrom('', '', '+', '{1,2}', '+?', '{2}', '*', '?', '*?', '??');
const item = fc.tuple(atom, quantifier).map(([one, many]) => one + many);
const branch = fc.array(item, { minLength: 1, maxLength: 3 }).map((items) => items.join(''));
const group = fc.array(branch, { minLength: 1, maxLength: 3 }).map((branches) => `(${branches.join('|')})`);
const regexes = fc.array(fc.oneof(item, group), { minLength: 1, maxLength: 4 }).map((items) => `${items.join('')}c`);

test('it finds what a backtracking engine finds, and the same in every group', () => {
  fc.assert(
    fc.property(regexes, fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 12 }), (regex, text) => {
      const groups = (regex.match(/\(/g) ?? []).length;
      const shown = Array.from({ length: groups + 1 }, (_, i) => i);
      const expected = text.replace(new RegExp(regex, 'g'), (...found) =>
        shown.map((i) => `<${(found[i] as string | undefined) ?? ''}>`).join(''),
      );
      assert.equal(replaced(regex, shown.map((i) => `<\\${i}>`).join(''), text), expected);
    }),
    { numRuns: 2_000 },
  );
});

test('and it agrees with what matches the whole of a text', () => {
  fc.assert(
    fc.property(regexes, fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 8 }), (regex, text) => {
      const bytes = Buffer.from(text, 'latin1');
      const isWhole = new Pattern(regex).test(bytes, 0, bytes.length);
      assert.equal(replaced(`^(?:${regex})$`, 'whole', text), isWhole ? 'whole' : text);
    }),
    { numRuns: 500 },
  );
});

test('a text that would take for ever is given up', () => {
  const crafted = new Substitution('a.*z|a', 'x');
  assert.throws(() => crafted.replaceAll('a'.repeat(8_000)), /more than 500000 steps/);
  assert.equal(crafted.replaceAll('aab'), 'xxb', 'and the next is not worse off');
});
