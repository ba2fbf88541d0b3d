import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isWeftError } from '../../core/errors.ts';
import { MAX_REGEX_INPUT, Pattern } from './pattern.ts';

function matches(source: string, input: string): boolean {
  const bytes = Buffer.from(`<${input}>`, 'utf8');
  return new Pattern(source).test(bytes, 1, bytes.length - 1);
}

const atom = fc.constantFrom(
  'a',
  'b',
  'c',
  '.',
  '[ab]',
  '[^a]',
  '\\d',
  '\\w',
  '[a-c]',
  '(?:ab)',
  '/',
  '\\.',
  '1',
  '^',
  '$',
);
const quantifier = fc.constantFrom('', '', '', '*', '+', '?', '{2}', '{0,2}', '{1,}', '*?');
const term = fc.tuple(atom, quantifier).map(([a, q]) => (a === '^' || a === '$' ? a : a + q));
const sequence = fc.array(term, { maxLength: 3 }).map((terms) => terms.join(''));
const choice = fc.array(sequence, { minLength: 1, maxLength: 3 }).map((sequences) => sequences.join('|'));
const group = fc.tuple(choice, quantifier).map(([inner, q]) => `(${inner})${q}`);
const regex = fc
  .array(
    fc.oneof(
      term,
      group,
      fc.tuple(group, group, quantifier).map(([a, b, q]) => `(${a}|${b})${q}`),
    ),
    { maxLength: 4 },
  )
  .map((parts) => parts.join(''));

test('agrees with the regular expressions of JavaScript on what both can say', () => {
  const input = fc
    .array(fc.constantFrom('a', 'b', 'c', '1', '/', '.'), { maxLength: 8 })
    .map((chars) => chars.join(''));
  fc.assert(
    fc.property(regex, fc.array(input, { minLength: 1, maxLength: 5 }), (source, inputs) => {
      const reference = new RegExp(`^(?:${source})$`);
      for (const text of inputs) assert.equal(matches(source, text), reference.test(text), `${source} on ${text}`);
    }),
    { numRuns: 500 },
  );
});

test('matches the whole input, not a part of it', () => {
  assert.equal(matches('/items/[0-9]+', '/items/12'), true);
  assert.equal(matches('/items/[0-9]+', '/items/12/x'), false);
  assert.equal(matches('GET|HEAD', 'GETHEAD'), false);
});

test('a pattern that makes backtracking engines explode takes linear time', () => {
  const pattern = new Pattern('(a+)+(a|a)*b');
  const bytes = Buffer.from('a'.repeat(MAX_REGEX_INPUT));
  assert.equal(pattern.test(bytes, 0, bytes.length), false);
});

test('an automaton with more states than are kept still answers rightly', () => {
  const pattern = new Pattern('(a|b)*a(a|b){12}');
  const random = fc.sample(fc.array(fc.constantFrom('a', 'b'), { minLength: 13, maxLength: 60 }), {
    numRuns: 400,
    seed: 5,
  });
  for (const chars of random) {
    const bytes = Buffer.from(chars.join(''));
    assert.equal(pattern.test(bytes, 0, bytes.length), chars.at(-13) === 'a');
  }
});

test('(?i) ignores the case of letters, in classes and their complements too', () => {
  assert.equal(matches('(?i)/api/[^x]+', '/API/abc'), true);
  assert.equal(matches('(?i)/api/[^x]+', '/API/aXc'), false);
});

test('a character beyond ASCII is its UTF-8 bytes', () => {
  assert.equal(matches('/caf(é)+', '/caféé'), true);
});

test('input past the bound matches nothing', () => {
  const bytes = Buffer.alloc(MAX_REGEX_INPUT + 1, 97);
  assert.equal(new Pattern('a*').test(bytes, 0, bytes.length), false);
  assert.equal(new Pattern('a*').test(bytes, 0, bytes.length - 1), true);
});

const refused: readonly (readonly [string, string, RegExp])[] = [
  ['(a)\\1', 'unsupported', /a back-reference at offset 3/],
  ['a(?=b)', 'unsupported', /a look-around at offset 1/],
  ['(?<!a)b', 'unsupported', /a look-around/],
  ['\\bword', 'unsupported', /the escape \\b/],
  ['(?s).', 'unsupported', /a group with flags/],
  ['(a', 'invalid', /an unclosed group at offset 0/],
  ['a)', 'invalid', /an unmatched \)/],
  ['[a', 'invalid', /an unclosed class/],
  ['*', 'invalid', /a quantifier with nothing before it/],
  ['a**', 'invalid', /two quantifiers/],
  ['a{3,1}', 'invalid', /reversed/],
  ['a{2000}', 'limit-exceeded', /more than 1000/],
  ['((a{100}){100})', 'limit-exceeded', /more than 1000 steps/],
  ['[z-a]', 'invalid', /backwards/],
];
for (const [source, code, message] of refused) {
  test(`refuses ${source} and says why`, () => {
    assert.throws(
      () => new Pattern(source),
      (error) => isWeftError(error) && error.code === code && message.test(error.message),
    );
  });
}
