import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CONTENT_TYPE, FieldName, HOST, REQUEST_ID } from './field-name.ts';
import { Head, REMOVED, TARGET } from './head.ts';
import { pooledStorages } from './head-storage.ts';
import { isIdempotent, METHOD, methodOf } from './method.ts';

describe('a built request', () => {
  it('has method, path, authority and Host', () => {
    const head = Head.request('GET', '/a?b=1', 'catalog:80');
    assert.equal(head.method, METHOD.get);
    assert.equal(head.methodText, 'GET');
    assert.equal(head.pathText, '/a?b=1');
    assert.equal(head.authorityText, 'catalog:80');
    assert.equal(head.value(HOST), 'catalog:80');
    head.free();
  });

  it('refuses what could not be sent', () => {
    for (const [method, path, authority] of [
      ['GE T', '/', 'a'],
      ['', '/', 'a'],
      ['GET', 'a', 'a'],
      ['GET', '/a b', 'a'],
      ['GET', '/a\r\nx: y', 'a'],
      ['GET', '/a#b', 'a'],
      ['GET', '/\u010a', 'a'],
      ['GET', '/', ''],
      ['GET', '/', 'a b'],
      ['GET', '/', 'u@a'],
      ['GET', '/', 'a,b'],
      ['GET', '/', 'a:70000'],
      ['GET', '/', '[::1'],
    ] as const) {
      assert.throws(() => Head.request(method, path, authority), /is not a|encode/, `${method} ${path} ${authority}`);
    }
  });

  it('is rewritten by setPath and setAuthority', () => {
    const head = Head.request('GET', '/a', 'catalog');
    head.setPath('/longer/than/before');
    head.setAuthority('[::1]:8080');
    assert.equal(head.pathText, '/longer/than/before');
    assert.equal(head.authorityText, '[::1]:8080');
    assert.equal(head.value(HOST), '[::1]:8080');
    assert.equal(head.find(HOST, head.find(HOST)), -1, 'one Host is left');
    head.setPath('*');
    assert.equal(head.target, TARGET.asterisk);
    head.free();
  });
});

describe('fields', () => {
  it('are found in any letter case, in order, and not once removed', () => {
    const head = Head.response(200);
    const a = new FieldName('X-A');
    head.appendText(a, '1');
    head.appendText(CONTENT_TYPE, 'text/plain');
    head.appendText(new FieldName('x-a'), '2');
    assert.equal(head.text(head.find(a)), '1');
    assert.equal(head.text(head.find(a, head.find(a))), '2');
    assert.ok(head.equals(head.find(CONTENT_TYPE), Buffer.from('text/plain')));
    head.remove(head.find(a));
    assert.equal(head.value(a), '2');
    head.removeAll(a);
    assert.equal(head.value(a), null);
    assert.equal(head.fields[5], REMOVED);
    head.free();
  });

  it('do not match a name of the same hash and length', () => {
    // 'Aa' and 'BB' collide in case-sensitive 31-hashes; in lower case these do: 31*'b'+'0' = 31*'a'+'O'… so search.
    const hash = (s: string): number => new FieldName(s).hash;
    const letters = 'abcdefghijklmnopqrstuvwxyz0123456789-_.~!#$%&*+^`|';
    let pair: [string, string] | null = null;
    for (const a of letters)
      for (const b of letters)
        for (const c of letters)
          for (const d of letters) {
            if (pair === null && a !== c && hash(a + b) === hash(c + d)) pair = [a + b, c + d];
          }
    assert.ok(pair);
    const head = Head.response(200);
    head.appendText(new FieldName(pair[0]), '1');
    assert.equal(head.find(new FieldName(pair[1])), -1);
    head.free();
  });

  it('that would split the message are refused and leave no trace', () => {
    const head = Head.response(200);
    for (const value of ['a\r\nb: c', 'a\n', '\0', 'a\rb', '\u010a', '\x7f']) {
      assert.throws(() => head.appendText(REQUEST_ID, value), /control byte|encode/);
    }
    assert.equal(head.count, 0);
    assert.equal(head.find(REQUEST_ID), -1);
    assert.throws(() => new FieldName('a b'), /not a field name/);
    head.free();
  });

  it('grow the head past its pooled storage and keep what was there', () => {
    const head = Head.request('GET', '/', 'a');
    const long = 'v'.repeat(5000);
    for (let i = 0; i < 100; i++) head.appendText(new FieldName(`x-${i}`), i === 50 ? long : String(i));
    assert.equal(head.value(new FieldName('x-50')), long);
    assert.equal(head.value(new FieldName('x-99')), '99');
    assert.equal(head.pathText, '/');
    head.free();
  });
});

describe('free', () => {
  it('shows nothing to a late reader and gives storage back once', () => {
    const head = Head.request('GET', '/secret', 'a');
    head.free();
    const pooled = pooledStorages();
    head.free();
    assert.equal(pooledStorages(), pooled);
    const other = Head.request('GET', '/other', 'b');
    assert.equal(head.pathText, '');
    assert.equal(head.authorityText, '');
    assert.equal(head.find(HOST), -1);
    assert.equal(head.text(0), '');
    head.appendText(REQUEST_ID, 'late');
    head.setPath('/late');
    assert.equal(other.pathText, '/other', 'a late writer writes into nothing shared');
    assert.equal(other.value(REQUEST_ID), null);
    other.free();
  });
});

describe('methods', () => {
  it('are case-sensitive', () => {
    const of = (text: string): number => methodOf(Buffer.from(text), 0, text.length);
    assert.equal(of('GET'), METHOD.get);
    assert.equal(of('get'), METHOD.other);
    assert.equal(of('DELETE'), METHOD.delete);
    assert.equal(of('BREW'), METHOD.other);
    assert.ok(isIdempotent(METHOD.put));
    assert.ok(!isIdempotent(METHOD.post));
    assert.ok(!isIdempotent(METHOD.other));
  });
});
