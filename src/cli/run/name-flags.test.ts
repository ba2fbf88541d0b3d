/** Names and labels of `weft run`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLabels, parseUses, serviceName } from './name-flags.ts';

test('uses come as a list, repeated, and not at all', () => {
  assert.equal(parseUses(undefined), null);
  assert.deepEqual(parseUses(['catalog,shop/stock', 'catalog']), ['catalog', 'shop/stock']);
  assert.deepEqual(parseUses(['']), []);
  assert.throws(() => parseUses(['a/b/c']), /names no service/);
  assert.throws(() => parseUses(['Shop']), /names no service/);
});

test('labels are KEY=VALUE, and those that Weft sets itself are refused', () => {
  assert.deepEqual(parseLabels(['team=checkout', 'example.com/tier=1', 'empty=']), {
    team: 'checkout',
    'example.com/tier': '1',
    empty: '',
  });
  assert.throws(() => parseLabels(['team']), /KEY=VALUE/);
  assert.throws(() => parseLabels(['app=web']), /sets "app" itself/);
});

test('a service has the name of a Kubernetes Service', () => {
  assert.equal(serviceName('--service', 'catalog'), 'catalog');
  for (const name of ['1st', 'Web', 'a.b', '', 'x'.repeat(64), 'a-'])
    assert.throws(() => serviceName('--service', name));
});
