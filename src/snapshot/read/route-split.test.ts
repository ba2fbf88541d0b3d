import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entryFrom, forwardFrom, refusal } from './test/route-json.ts';

const field = (key: string) => ({ header: { key, value: 'yes' } });
const weighted = (...clusters: readonly object[]) => ({ route: { weighted_clusters: { clusters } } });

test('clusters that say nothing but their weight are one entry', () => {
  assert.equal(entryFrom(weighted({ name: 'a', weight: 1 }, { name: 'b', weight: 2 })).split, null);
  assert.equal(entryFrom({ route: { cluster: 'a' } }).split, null);
});

test('else each has an entry with its own cluster, and what it says before the rest', () => {
  const route = {
    ...weighted(
      { name: 'a', weight: 1, request_headers_to_add: [field('x-a')] },
      { name: 'b', weight: 2, host_rewrite_literal: 'b.test' },
    ),
    request_headers_to_add: [field('x-route')],
  };
  const names = (table: { readonly [name: string]: unknown }) =>
    entryFrom(route, {}, table).split?.map(({ edits, action }) => [
      action.kind === 'forward' && action.clusters.map(({ name }) => name).join(),
      action.kind === 'forward' && action.host,
      edits?.request.flatMap(({ add }) => add.map(({ name }) => name.text)).join(),
    ]);
  const host = { kind: 'literal', value: 'b.test' };
  assert.deepEqual(names({}), [
    ['a', null, 'x-a,x-route'],
    ['b', host, 'x-route'],
  ]);
  assert.deepEqual(names({ most_specific_header_mutations_wins: true }), [
    ['a', null, 'x-a,x-route'],
    ['b', host, 'x-route'],
  ]);
});

test('a field of the request names the cluster, of a route or of a share of it', () => {
  const whole = entryFrom({ route: { cluster_header: 'X-To' } }).action;
  assert.ok(whole.kind === 'forward');
  assert.deepEqual([whole.clusters[0]?.name, whole.clusters[0]?.header?.text], ['', 'x-to']);
  const { action } = entryFrom(weighted({ cluster_header: 'x-to', weight: 1 }, { name: 'b', weight: 2 }));
  assert.ok(action.kind === 'forward');
  assert.deepEqual(
    action.clusters.map(({ name, header, weight }) => [name, header?.text ?? null, weight]),
    [
      ['', 'x-to', 1],
      ['b', null, 2],
    ],
  );
});

test('what cannot be is refused where it stands', () => {
  const at = 'virtual_hosts[0].routes[0].route.weighted_clusters.clusters[0]';
  for (const [cluster, where] of [
    [{ weight: 1 }, '.name'],
    [{ name: 'a', cluster_header: 'x', weight: 1 }, ''],
    [{ cluster_header: ':path', weight: 1 }, '.cluster_header'],
    [{ name: 'a', weight: 1, request_headers_to_add: [field(':path')] }, '.request_headers_to_add[0].header.key'],
  ] as const) {
    const refused = refusal(() => entryFrom(weighted(cluster)));
    assert.ok(refused.includes(`${at}${where}`), refused);
  }
  const path = { pattern: { regex: '(' }, substitution: '' };
  assert.match(
    refusal(() => forwardFrom({ host_rewrite_path_regex: path })),
    /route\.host_rewrite_path_regex/,
  );
});
