import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assert as check, property, stringMatching } from 'fast-check';
import { isWeftError } from '../core/errors.ts';
import { parseSpiffeId, readSpiffeId, readWorkloadIdentity, workloadId } from './spiffe-id.ts';

describe('SPIFFE id', () => {
  it('reads trust domain and path', () => {
    const id = parseSpiffeId('spiffe://weft.local/ns/shop/sa/catalog');
    assert.equal(id.trustDomain, 'weft.local');
    assert.equal(id.path, '/ns/shop/sa/catalog');
    assert.deepEqual(readWorkloadIdentity(id), { trustDomain: 'weft.local', namespace: 'shop', account: 'catalog' });
  });

  const refused: Record<string, string> = {
    'another scheme': 'https://weft.local/a',
    'upper-case scheme': 'SPIFFE://weft.local/a',
    'no trust domain': 'spiffe:///a',
    'upper-case trust domain': 'spiffe://Weft.local/a',
    'a port': 'spiffe://weft.local:80/a',
    'user information': 'spiffe://me@weft.local/a',
    'a query': 'spiffe://weft.local/a?b',
    'a fragment': 'spiffe://weft.local/a#b',
    'percent-encoding': 'spiffe://weft.local/a%2fb',
    'an empty segment': 'spiffe://weft.local//a',
    'a trailing slash': 'spiffe://weft.local/a/',
    'a relative segment': 'spiffe://weft.local/a/../b',
    'a dot segment': 'spiffe://weft.local/./b',
    'a line break at the end': 'spiffe://weft.local/a\n',
    'a character outside of ASCII': 'spiffe://weft.local/ä',
    'a trust domain of 256 bytes': `spiffe://${'a'.repeat(256)}/a`,
    'more than 2048 bytes': `spiffe://weft.local/${'a'.repeat(2048)}`,
  };
  for (const [name, text] of Object.entries(refused)) {
    it(`refuses ${name}`, () => {
      assert.equal(typeof readSpiffeId(text), 'string');
      assert.throws(
        () => parseSpiffeId(text),
        (error) => isWeftError(error, 'invalid'),
      );
    });
  }

  it('makes only ids that it reads back', () => {
    const label = stringMatching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
    check(
      property(label, label, (namespace, account) => {
        const id = workloadId('weft.local', namespace, account);
        assert.deepEqual(readWorkloadIdentity(parseSpiffeId(id.text)), {
          trustDomain: 'weft.local',
          namespace,
          account,
        });
      }),
    );
  });

  it('never makes an id from a part that could become two', () => {
    for (const bad of ['a/sa/b', '', '.', '..', 'A', 'a b', '-a']) {
      assert.throws(() => workloadId('weft.local', 'shop', bad));
      assert.throws(() => workloadId('weft.local', bad, 'catalog'));
    }
  });

  it('reads no workload from a path of another form', () => {
    for (const path of ['', '/ns/a', '/ns/a/sa/b/c', '/sa/a/ns/b', '/ns/A/sa/b']) {
      assert.equal(readWorkloadIdentity(parseSpiffeId(`spiffe://weft.local${path}`)), null);
    }
  });
});
