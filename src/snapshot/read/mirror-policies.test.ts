import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shadowHost } from '../mirror-policy.ts';
import { forwardFrom, refusal } from './test/route-json.ts';

const to = (...clusters: readonly string[]) => ({ request_mirror_policies: clusters.map((cluster) => ({ cluster })) });
const clustersOf = (...levels: Parameters<typeof forwardFrom>) =>
  forwardFrom(...levels).mirrors.map(({ cluster }) => cluster);

test('of route, virtual host and table the most specific that says any mirrors', () => {
  assert.deepEqual(clustersOf({}), []);
  assert.deepEqual(clustersOf({}, {}, to('of-table')), ['of-table']);
  assert.deepEqual(clustersOf({}, to('of-host'), to('of-table')), ['of-host']);
  assert.deepEqual(clustersOf(to('a', 'b'), to('of-host'), to('of-table')), ['a', 'b']);
});

test('all requests are copied unless a share is said, and a share of none hides what others say', () => {
  const share = (numerator: number) => ({ runtime_fraction: { default_value: { numerator, denominator: 'HUNDRED' } } });
  const withShare = (numerator: number) =>
    forwardFrom({ request_mirror_policies: [{ cluster: 'a', ...share(numerator) }] }, to('of-host')).mirrors;
  assert.deepEqual(
    forwardFrom(to('a')).mirrors.map((mirror) => mirror.share),
    [1],
  );
  assert.deepEqual(
    withShare(25).map((mirror) => mirror.share),
    [0.25],
  );
  assert.deepEqual(withShare(0), []);
});

test('the cluster is said once, by name or by the request', () => {
  const refused = (policy: object) => refusal(() => forwardFrom({ request_mirror_policies: [policy] }));
  const where = /virtual_hosts\[0\]\.routes\[0\]\.route\.request_mirror_policies/;
  for (const policy of [
    {},
    { cluster: 'a', cluster_header: 'x-a' },
    { cluster_header: ':path' },
    { cluster_header: 'no name' },
    { cluster: 'a', trace_sampled: false },
    { cluster: 'a', runtime_fraction: {} },
  ]) {
    assert.match(refused(policy), where, JSON.stringify(policy));
  }
  const many = to(...Array.from({ length: 9 }, (_, i) => `c${i}`));
  assert.match(
    refusal(() => forwardFrom(many)),
    /more than 8/,
  );
});

test('the mark stands behind the name of the host and before its port', () => {
  assert.deepEqual(['shop', 'shop:80', '10.0.0.1:80', '[::1]:80', '[::1]'].map(shadowHost), [
    'shop-shadow',
    'shop-shadow:80',
    '10.0.0.1-shadow:80',
    '[::1]:80',
    '[::1]',
  ]);
});
