import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FieldName } from '../http/field-name.ts';
import { Head } from '../http/head.ts';
import { compileText } from './format/text-format.ts';
import { REACH, sampleFacts } from './format/sample-facts.ts';
import { type QueryMatch, queryMatches } from './query-match.ts';
import { applyEdits, type FieldEdit, type Redirect, redirectTarget, rewrittenPath } from './route-edits.ts';

const NAME = new FieldName('x-a');
const NOBODY = { facts: () => sampleFacts() };

/** The values of `x-a` after an edit of a head that had these. */
function edited(before: readonly string[], existing: FieldEdit['existing'], removed = false): readonly string[] {
  const head = Head.request('GET', '/', 'a');
  for (const value of before) head.appendText(NAME, value);
  const add = [{ name: NAME, value: 'new', format: null, keepEmpty: false, existing }];
  applyEdits([{ remove: removed ? [NAME] : [], add, formatted: false }], head, NOBODY);
  const after: string[] = [];
  for (let i = head.find(NAME); i >= 0; i = head.find(NAME, i)) after.push(head.text(i));
  head.free();
  return after;
}

test('a field that is there already is kept, joined or replaced, as the edit says', () => {
  assert.deepEqual(edited(['old'], 'beside'), ['old', 'new']);
  assert.deepEqual(edited(['old'], 'keep'), ['old']);
  assert.deepEqual(edited([], 'keep'), ['new']);
  assert.deepEqual(edited(['old', 'older'], 'replace'), ['new']);
  assert.deepEqual(edited(['old'], 'replace-only'), ['new']);
  assert.deepEqual(edited([], 'replace-only'), []);
  assert.deepEqual(edited(['old'], 'keep', true), ['new']);
});

test('a rewrite replaces what matched and leaves rest and query', () => {
  assert.equal(rewrittenPath('/a/b?q', { kind: 'matched', to: '/x/', matched: 3 }), '/x/b?q');
  assert.equal(rewrittenPath('/a/b?q', { kind: 'matched', to: '/x', matched: -1 }), '/x?q');
});

const REDIRECT: Redirect = { status: 301, scheme: '', host: '', port: 0, path: null, rewrite: null, stripQuery: false };

test('a redirect changes what it names and nothing else', () => {
  const to = (parts: Partial<Redirect>, authority = 'a:80') =>
    redirectTarget({ ...REDIRECT, ...parts }, 'http', authority, '/p/q?x=1');
  assert.equal(to({}), 'http://a:80/p/q?x=1');
  assert.equal(to({ scheme: 'https' }), 'https://a/p/q?x=1');
  assert.equal(to({ scheme: 'https' }, 'a:8080'), 'https://a:8080/p/q?x=1');
  assert.equal(to({ host: 'b', port: 81 }), 'http://b:81/p/q?x=1');
  assert.equal(to({ path: '/new' }), 'http://a:80/new?x=1');
  assert.equal(to({ path: '/new?y=2' }), 'http://a:80/new?y=2');
  assert.equal(to({ rewrite: { kind: 'matched', to: '/r', matched: 2 }, stripQuery: true }), 'http://a:80/r/q');
});

test('of a query the first parameter of a name counts', () => {
  const exact = (name: string, value: string): QueryMatch => ({
    name: Buffer.from(name),
    match: { kind: 'exact', value, regex: null },
    value: Buffer.from(value),
    present: true,
  });
  const present = (name: string, is: boolean): QueryMatch => ({
    name: Buffer.from(name),
    match: null,
    value: Buffer.from(''),
    present: is,
  });
  const matches = (path: string, ...all: QueryMatch[]): boolean => {
    const bytes = Buffer.from(path);
    return queryMatches(all, bytes, 0, bytes.length);
  };
  assert.ok(matches('/?a=1&b=2', exact('a', '1'), exact('b', '2')));
  assert.ok(!matches('/?a=1&a=2', exact('a', '2')));
  assert.ok(!matches('/a=1', exact('a', '1')));
  assert.ok(!matches('/?aa=1', exact('a', '1')));
  assert.ok(matches('/?a', present('a', true), exact('a', '')));
  assert.ok(!matches('/?ab', present('a', true)));
  assert.ok(matches('/?ab', present('a', false)));
  assert.ok(!matches('/?a=1', present('a', false)));
});

test('a value is made of the request, sees nothing that its level adds, and is not added when it is empty', () => {
  const head = Head.request('GET', '/', 'a');
  const add = (name: string, format: string, keepEmpty = false): FieldEdit => ({
    name: new FieldName(name),
    value: '',
    format: compileText('v', format, '', REACH),
    keepEmpty,
    existing: 'replace',
  });
  const edits = [add('x-a', 'is %REQ(X-A)%'), add('x-b', '%REQ(NONE)%'), add('x-c', '%REQ(NONE)%', true)];
  applyEdits([{ remove: [], add: [...edits, add('x-d', '%START_TIME(a%nb)%')], formatted: true }], head, NOBODY);
  assert.equal(head.value(new FieldName('x-a')), 'is va"l');
  assert.equal(head.find(new FieldName('x-b')), -1);
  assert.equal(head.value(new FieldName('x-c')), '');
  assert.equal(head.value(new FieldName('x-d')), 'ab');
});

test('a long field of a caller does not come back without bound', () => {
  const request = Head.request('GET', '/', 'a');
  request.appendText(NAME, 'x'.repeat(20_000));
  const name = new FieldName('x-b');
  const format = compileText('v', '%REQ(X-A)%', '', REACH);
  const add = Array.from(
    { length: 100 },
    (): FieldEdit => ({ name, value: '', format, keepEmpty: false, existing: 'beside' }),
  );
  applyEdits([{ remove: [], add, formatted: true }], request, { facts: () => sampleFacts({ request }) });
  let count = 0;
  for (let i = request.find(name); i >= 0; i = request.find(name, i)) count++;
  assert.equal(count, 3);
});
