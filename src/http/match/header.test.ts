import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FieldName } from '../field-name.ts';
import { Head } from '../head.ts';
import { Pattern } from '../regex/pattern.ts';
import { compileHeader, type HeaderMatch, headerMatches, joinedMatches } from './header.ts';

const NAME = new FieldName('x-a');
const PLAIN: HeaderMatch = {
  name: 'x-a',
  kind: 'exact',
  value: 'b',
  regex: null,
  range: null,
  invert: false,
  missingIsEmpty: false,
};

function ask(parts: Partial<HeaderMatch>, values: readonly string[], matches = headerMatches): boolean {
  const head = Head.request('GET', '/', 'a');
  for (const value of values) head.appendText(NAME, value);
  const holds = matches(compileHeader({ ...PLAIN, ...parts }), head);
  head.free();
  return holds;
}

test('of several fields one that matches is enough, and inverted one is too many', () => {
  assert.ok(ask({}, ['a', 'b']) && ask({}, ['b', 'a']));
  assert.ok(!ask({}, ['a', 'a,b']));
  assert.ok(!ask({ invert: true }, ['a', 'b']));
  assert.ok(ask({ invert: true }, ['a', 'c']));
});

test('joined they are one with commas between', () => {
  assert.ok(ask({ value: 'a,b' }, ['a', 'b'], joinedMatches));
  assert.ok(!ask({}, ['a', 'b'], joinedMatches));
  assert.ok(ask({}, ['b'], joinedMatches) && !ask({}, [], joinedMatches));
});

test('a range takes whole numbers from its start up to its end', () => {
  const range = { kind: 'range', range: [-5n, 10n] } as const;
  for (const value of ['-5', '0', '+3', '007', '9']) assert.ok(ask(range, [value]), value);
  for (const value of ['-6', '10', '', '1.0', '1e1', '0x1', '- 1', 'b', '9'.repeat(100)]) {
    assert.ok(!ask(range, [value]), value);
    assert.ok(ask({ ...range, invert: true }, [value]), `not ${value}`);
  }
  assert.ok(!ask({ kind: 'range', range: [3n, 3n] }, ['3']));
});

test('an absent field matches nothing, whatever is inverted, unless it counts as empty', () => {
  const empty = { kind: 'regex', regex: new Pattern('|7') } as const;
  for (const invert of [false, true]) assert.ok(!ask({ ...empty, invert }, []));
  assert.ok(ask({ ...empty, missingIsEmpty: true }, []));
  assert.ok(!ask({ ...empty, missingIsEmpty: true, invert: true }, []));
  assert.ok(ask({ kind: 'present', missingIsEmpty: true }, []));
  assert.ok(!ask({ kind: 'present' }, []));
});
