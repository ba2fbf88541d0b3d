import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FieldName } from '../../http/field-name.ts';
import { Head } from '../../http/head.ts';
import type { Screening } from '../../snapshot/snapshot.ts';
import { screen } from './screening.ts';

const NONE: Screening = {
  normalizesPath: false,
  mergesSlashes: false,
  escapedSlashes: 'keep',
  stripsPort: 'none',
  underscores: 'allow',
};

function screened(path: string, rules: Partial<Screening>, field = 'x-a') {
  const head = Head.request('GET', path, 'app.example');
  head.appendText(new FieldName(field), '1');
  const result = screen(head, { ...NONE, ...rules }, 80);
  const has = head.find(new FieldName(field)) >= 0;
  const seen = { path: head.pathText, has, ...result };
  head.free();
  return seen;
}

test('a path goes on in its normal form', () => {
  assert.equal(screened('/a/../b?q=..', { normalizesPath: true }).path, '/b?q=..');
  assert.equal(screened('//a', { mergesSlashes: true }).path, '/a');
  assert.equal(screened('/a%2F..%2Fb', { normalizesPath: true, escapedSlashes: 'forward' }).path, '/b');
  assert.equal(screened('/a/../b', {}).path, '/a/../b');
});

test('what is to be refused is, with its reason', () => {
  assert.match(
    JSON.stringify(screened('/a%2fb', { escapedSlashes: 'reject' })),
    /"fault":"the path has escaped slashes"/,
  );
  assert.match(JSON.stringify(screened('/a%00', { normalizesPath: true })), /"fault":"the path has an escaped NUL"/);
  assert.match(JSON.stringify(screened('/', { underscores: 'reject' }, 'x_a')), /"fault":"the field x_a has/);
});

test('a redirect leads to the same host', () => {
  const redirected = screened('/%2fevil.example', { escapedSlashes: 'redirect' });
  assert.deepEqual(redirected, { path: '//evil.example', has: true, location: '/evil.example' });
});

test('fields with underscores are dropped, others are not', () => {
  assert.equal(screened('/', { underscores: 'drop' }, 'x_a').has, false);
  assert.equal(screened('/', { underscores: 'drop' }, 'x-a').has, true);
});

test('a port of the authority goes where it is to go, and an address in brackets stays whole', () => {
  const authority = (text: string, stripsPort: Screening['stripsPort']): string => {
    const head = Head.request('GET', '/', text);
    screen(head, { ...NONE, stripsPort }, 8080);
    const left = head.authorityText;
    head.free();
    return left;
  };
  assert.equal(authority('app.example:8080', 'matching'), 'app.example');
  assert.equal(authority('app.example:80', 'matching'), 'app.example:80');
  assert.equal(authority('app.example:80', 'any'), 'app.example');
  assert.equal(authority('[::1]:8080', 'any'), '[::1]');
  assert.equal(authority('[::1]', 'any'), '[::1]');
});
