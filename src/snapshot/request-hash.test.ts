import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FieldName } from '../http/field-name.ts';
import { Head } from '../http/head.ts';
import { Substitution } from '../http/regex/substitution.ts';
import { type CookieHash, type HashPolicy, missingCookie, requestHash } from './request-hash.ts';

const NOBODY = { sourceHash: 77, madeCookie: null };
const user: HashPolicy = { kind: 'header', name: new FieldName('x-user'), rewrite: null, terminal: false };
const source: HashPolicy = { kind: 'source', terminal: false };
const query: HashPolicy = { kind: 'query', name: Buffer.from('id'), terminal: false };
const cookie = (ttlMs: number | null = null): HashPolicy & CookieHash => ({
  kind: 'cookie',
  name: Buffer.from('sid'),
  ttlMs,
  attributes: '',
  terminal: false,
});

function request(path = '/', fields: Record<string, string> = {}): Head {
  const head = Head.request('GET', path, 'a');
  for (const [name, value] of Object.entries(fields)) head.appendText(new FieldName(name), value);
  return head;
}

const hash = (policies: readonly HashPolicy[], head: Head): number => requestHash(policies, head, NOBODY);

test('what the policy names decides, and nothing else of the request', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z0-9]{1,20}$/), fc.stringMatching(/^[a-z0-9]{1,20}$/), (value, other) => {
      const forms: readonly (readonly [HashPolicy, (value: string, noise: string) => Head])[] = [
        [user, (v, noise) => request(`/${noise}`, { 'x-user': v, 'x-noise': noise })],
        [cookie(), (v, noise) => request('/', { cookie: `a=${noise}; sid=${v}; asid=${noise}` })],
        [query, (v, noise) => request(`/?x=${noise}&id=${v}&xid=${noise}`)],
      ];
      for (const [policy, make] of forms) {
        const first = hash([policy], make(value, 'noise'));
        assert.ok(first >= 0 && first < 2 ** 32);
        assert.equal(hash([policy], make(value, other)), first, policy.kind);
        if (value !== other) assert.notEqual(hash([policy], make(other, 'noise')), first, policy.kind);
      }
    }),
    { numRuns: 200 },
  );
});

test('of a value that is rewritten what is left of it counts', () => {
  const shard: HashPolicy = { ...user, rewrite: new Substitution('^([a-z]+)-.*$', '\\1') };
  const [one, other, third] = ['eu-1', 'eu-2', 'us-1'].map((value) => hash([shard], request('/', { 'x-user': value })));
  assert.equal(one, other);
  assert.notEqual(one, third);
  assert.equal(one, hash([user], request('/', { 'x-user': 'eu' })));
  const crafted: HashPolicy = { ...user, rewrite: new Substitution('a.*z|a', '') };
  assert.equal(hash([crafted], request('/', { 'x-user': 'a'.repeat(8_000) })), -1);
});

test('a request without what is asked for has no hash', () => {
  assert.equal(hash([user, query, cookie()], request('/id=1?xid=2&id', { cookie: 'xsid=1; sid' })), -1);
  assert.equal(hash([], request()), -1);
});

test('policies combine in order until one that is terminal has found something', () => {
  const head = request('/?id=1', { 'x-user': 'ada' });
  const both = hash([user, query], head);
  assert.notEqual(both, hash([user], head));
  assert.notEqual(both, hash([query, user], head));
  assert.equal(hash([{ ...user, terminal: true }, query], head), hash([user], head));
  assert.equal(hash([{ ...user, terminal: true }, query], request('/?id=1')), hash([query], head));
  assert.equal(hash([source], head), 77);
});

test('quotes and blanks around a cookie are not part of it, and a second Cookie field is looked at', () => {
  const plain = hash([cookie()], request('/', { cookie: 'sid=v' }));
  for (const text of ['sid="v"', 'a=1;\tsid=v ; b=2'])
    assert.equal(hash([cookie()], request('/', { cookie: text })), plain);
  const split = request('/', { cookie: 'a=1' });
  split.appendText(new FieldName('cookie'), 'sid=v');
  assert.equal(hash([cookie()], split), plain);
});

test('a cookie is missed only where one is to be made, and the made one hashes as it will when it comes back', () => {
  assert.equal(missingCookie([cookie(null)], request()), null);
  assert.equal(missingCookie([cookie(0)], request('/', { cookie: 'sid=1' })), null);
  const policy = cookie(0);
  assert.equal(missingCookie([user, policy], request()), policy);
  const made = requestHash([policy], request(), { sourceHash: 0, madeCookie: Buffer.from('abc') });
  assert.equal(made, hash([policy], request('/', { cookie: 'sid=abc' })));
});
