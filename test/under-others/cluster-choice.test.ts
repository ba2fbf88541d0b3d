/** Clusters that are chosen by weight or by the request, and what is said of them: Weft's proxy and Envoy do the same. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { missing } from '../support/components.ts';
import { KINDS, type Question, type SameConfig, startSameConfig } from './same-config.ts';

const field = (key: string, value: string, action = 'APPEND_IF_EXISTS_OR_ADD'): object => ({
  header: { key, value },
  append_action: action,
});
const DENY_ALL = {
  '@type': 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute',
  rbac: { rules: { action: 'ALLOW' } },
};
const RBAC = 'envoy.filters.http.rbac';

const weighted = (...clusters: readonly object[]): object => ({ weighted_clusters: { clusters } });
const OF_ALL = {
  request_headers_to_add: [field('x-last', 'route', 'OVERWRITE_IF_EXISTS_OR_ADD'), field('x-all', 'route')],
  request_headers_to_remove: ['x-secret'],
  response_headers_to_add: [field('x-said', 'route')],
};
const OF_ONE = {
  request_headers_to_add: [field('x-last', 'cluster', 'OVERWRITE_IF_EXISTS_OR_ADD'), field('x-all', 'cluster')],
  request_headers_to_remove: ['x-hidden'],
  response_headers_to_add: [field('x-said', 'cluster')],
  response_headers_to_remove: ['x-gone'],
};

const ROUTES: Readonly<Record<string, object>> = {
  edits: { route: weighted({ name: 'one', weight: 1, ...OF_ONE }), ...OF_ALL },
  host: { route: weighted({ name: 'one', weight: 1, host_rewrite_literal: 'one.test' }) },
  both: {
    route: {
      ...weighted({ name: 'one', weight: 1, host_rewrite_literal: 'one.test' }),
      host_rewrite_literal: 'route.test',
    },
  },
  forwarded: {
    route: { ...weighted({ name: 'one', weight: 1, host_rewrite_literal: 'one.test' }), append_x_forwarded_host: true },
  },
  denied: { route: weighted({ name: 'one', weight: 1, typed_per_filter_config: { [RBAC]: DENY_ALL } }) },
  half: {
    route: weighted(
      { name: 'one', weight: 1, typed_per_filter_config: { [RBAC]: DENY_ALL } },
      { name: 'two', weight: 1, request_headers_to_add: [field('x-two', 'yes')] },
    ),
  },
  never: { route: weighted({ name: 'one', weight: 0, ...OF_ONE }, { name: 'two', weight: 3 }) },
  named: { route: { cluster_header: 'x-to' } },
  missing: { route: { cluster_header: 'x-to', cluster_not_found_response_code: 'NOT_FOUND' } },
  share: { route: weighted({ cluster_header: 'x-to', weight: 1 }) },
};

interface Row {
  readonly name: string;
  readonly route: string;
  /** In the table where the most specific edit wins. */
  readonly specific?: boolean;
  readonly headers?: Question['headers'];
  /** Status and some fields of the answer, then cluster and some fields of the request. */
  readonly told: readonly unknown[];
}

const SENT = { 'x-secret': '1', 'x-hidden': '1', 'x-answer-x-gone': '1' };
const ROWS: readonly Row[] = [
  {
    name: 'fields of a weighted cluster are changed before those of the route',
    route: 'edits',
    headers: SENT,
    told: [200, 'cluster, route', null, 'one', 'shop.test', 'route', 'cluster, route', null, null],
  },
  {
    name: 'and so where the most specific wins',
    route: 'edits',
    specific: true,
    headers: SENT,
    told: [200, 'cluster, route', null, 'one', 'shop.test', 'route', 'cluster, route', null, null],
  },
  { name: 'a host of its own', route: 'host', told: [200, null, null, 'one', 'one.test', null, null, null, null] },
  {
    name: 'that of the route beside it',
    route: 'both',
    told: [200, null, null, 'one', 'route.test', null, null, null, null],
  },
  {
    name: 'which x-forwarded-host says, or not',
    route: 'forwarded',
    told: [200, null, null, 'one', 'one.test', null, null, null, null],
  },
  { name: 'a filter’s configuration of its own', route: 'denied', told: [403, null, null] },
  {
    name: 'without a weight it gets nothing',
    route: 'never',
    told: [200, null, null, 'two', 'shop.test', null, null, null, null],
  },
  {
    name: 'the request names the cluster',
    route: 'named',
    headers: { 'x-to': 'two' },
    told: [200, null, null, 'two', 'shop.test', null, null, null, null],
  },
  { name: 'one that is not there', route: 'named', headers: { 'x-to': 'three' }, told: [503, null, null] },
  { name: 'or none', route: 'named', told: [503, null, null] },
  { name: 'with a status of the route’s', route: 'missing', headers: { 'x-to': 'three' }, told: [404, null, null] },
  { name: 'with the same, where it names none', route: 'missing', told: [404, null, null] },
  {
    name: 'the request names a weighted cluster',
    route: 'share',
    headers: { 'x-to': 'one' },
    told: [200, null, null, 'one', 'shop.test', null, null, null, null],
  },
  { name: 'and where it does not', route: 'share', told: [503, null, null] },
];

describe('the choice of clusters', { skip: missing('envoy') }, () => {
  let both: SameConfig;
  let specific: SameConfig;

  before(async () => {
    const routes = Object.entries(ROUTES).map(([name, route]) => ({ match: { prefix: `/${name}` }, ...route }));
    const filter = 'type.googleapis.com/envoy.extensions.filters.http';
    const manager = {
      http_filters: [
        { name: RBAC, typed_config: { '@type': `${filter}.rbac.v3.RBAC` } },
        { name: 'router', typed_config: { '@type': `${filter}.router.v3.Router` } },
      ],
    };
    const table = { name: 'choice', virtual_hosts: [{ name: 'all', domains: ['*'], routes }] };
    const clusters = { one: {}, two: {} };
    both = await startSameConfig({ routes: table, clusters, manager });
    const routesToo = { ...table, most_specific_header_mutations_wins: true };
    specific = await startSameConfig({ routes: routesToo, clusters, manager });
  });
  after(async () => {
    await both.close();
    await specific.close();
  });

  for (const { name, route, headers = {}, specific: isSpecific = false, told } of ROWS) {
    test(name, async () => {
      const proxies = isSpecific ? specific : both;
      for (const kind of KINDS) {
        const answer = await proxies.ask(kind, { path: `/${route}`, headers });
        const seen = proxies
          .take(kind)
          .flatMap((request) => [
            request.cluster,
            ...['host', 'x-last', 'x-all', 'x-secret', 'x-hidden'].map((field) => request.headers[field] ?? null),
          ]);
        const said = ['x-said', 'x-gone'].map((field) => answer.headers[field] ?? null);
        assert.deepEqual([answer.status, ...said, ...seen], told, kind);
      }
    });
  }

  test('filters follow the cluster that was chosen', async () => {
    for (const kind of KINDS) {
      const statuses = new Map<number, number>();
      for (let i = 0; i < 60; i++) {
        const { status } = await both.ask(kind, { path: '/half' });
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
      assert.deepEqual(
        [...statuses.keys()].toSorted((a, b) => a - b),
        [200, 403],
        kind,
      );
      assert.ok(
        [...statuses.values()].every((count) => count > 10),
        kind,
      );
      for (const { cluster, headers } of both.take(kind))
        assert.deepEqual([cluster, headers['x-two']], ['two', 'yes'], kind);
    }
  });
});
