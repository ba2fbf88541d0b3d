/** Copies of requests: what Envoy sends besides, Weft's proxy sends besides, and neither lets the caller see it. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { until } from '../support/child.ts';
import { missing } from '../support/components.ts';
import { KINDS, type Kind, type Question, type SameConfig, type Seen, startSameConfig } from './same-config.ts';

const mirror = (cluster: string, parts: object = {}): object => ({ cluster, ...parts });
const share = (numerator: number): object => ({
  runtime_fraction: { default_value: { numerator, denominator: 'HUNDRED' } },
});

function route(prefix: string, ...mirrors: readonly object[]): object {
  return { match: { prefix }, route: { cluster: 'real', request_mirror_policies: mirrors } };
}

const ROUTES = {
  name: 'mirrors',
  request_mirror_policies: [mirror('of-table')],
  virtual_hosts: [
    {
      name: 'own',
      domains: ['own.test', 'own.test:*', '127.0.0.1', '127.0.0.1:*'],
      request_headers_to_add: [{ header: { key: 'x-edited', value: 'yes' } }],
      request_mirror_policies: [mirror('of-host')],
      routes: [
        route('/one', mirror('shadow')),
        route('/two', mirror('shadow'), mirror('of-host')),
        route('/never', mirror('shadow', share(0))),
        route('/named', { cluster_header: 'x-to' }),
        route('/dead', mirror('dead')),
        {
          match: { prefix: '/rewritten' },
          route: {
            cluster: 'real',
            prefix_rewrite: '/new',
            host_rewrite_literal: 'other.test',
            request_mirror_policies: [mirror('shadow')],
          },
        },
        { match: { prefix: '/direct' }, direct_response: { status: 204 } },
        route('/'),
      ],
    },
    { name: 'rest', domains: ['*'], routes: [route('/one', mirror('shadow')), route('/')] },
  ],
};

/** Of each request to a back end: which, and what of it must be alike. */
type Told = readonly [cluster: string, method: string, path: string, host: string, edited: string, body: string];

interface Row {
  readonly name: string;
  readonly question: Question;
  readonly told: readonly Told[];
}

const own = (path: string, parts: Question = {}): Question => ({ host: 'own.test', path, ...parts });
const BIG = 'x'.repeat(200_000);
const ROWS: readonly Row[] = [
  {
    name: 'a route’s own mirror, its host marked, edits done',
    question: own('/one?q=1'),
    told: [
      ['real', 'GET', '/one?q=1', 'own.test', 'yes', ''],
      ['shadow', 'GET', '/one?q=1', 'own.test-shadow', 'yes', ''],
    ],
  },
  {
    name: 'a port stays behind the mark',
    question: own('/one', { host: 'own.test:8080' }),
    told: [
      ['real', 'GET', '/one', 'own.test:8080', 'yes', ''],
      ['shadow', 'GET', '/one', 'own.test-shadow:8080', 'yes', ''],
    ],
  },
  {
    name: 'an address',
    question: own('/one', { host: '127.0.0.1:80' }),
    told: [
      ['real', 'GET', '/one', '127.0.0.1:80', 'yes', ''],
      ['shadow', 'GET', '/one', '127.0.0.1-shadow:80', 'yes', ''],
    ],
  },
  {
    name: 'several, with the body',
    question: own('/two', { method: 'POST', body: BIG }),
    told: [
      ['of-host', 'POST', '/two', 'own.test-shadow', 'yes', BIG],
      ['real', 'POST', '/two', 'own.test', 'yes', BIG],
      ['shadow', 'POST', '/two', 'own.test-shadow', 'yes', BIG],
    ],
  },
  { name: 'a share of none', question: own('/never'), told: [['real', 'GET', '/never', 'own.test', 'yes', '']] },
  {
    name: 'a cluster that the request names',
    question: own('/named', { headers: { 'x-to': 'shadow' } }),
    told: [
      ['real', 'GET', '/named', 'own.test', 'yes', ''],
      ['shadow', 'GET', '/named', 'own.test-shadow', 'yes', ''],
    ],
  },
  {
    name: 'and where it names none',
    question: own('/named'),
    told: [['real', 'GET', '/named', 'own.test', 'yes', '']],
  },
  {
    name: 'a mirror that answers nobody',
    question: own('/dead'),
    told: [['real', 'GET', '/dead', 'own.test', 'yes', '']],
  },
  {
    name: 'rewrites come before it',
    question: own('/rewritten/a'),
    told: [
      ['real', 'GET', '/new/a', 'other.test', 'yes', ''],
      ['shadow', 'GET', '/new/a', 'other.test-shadow', 'yes', ''],
    ],
  },
  {
    name: 'the virtual host’s where the route says none',
    question: own('/else'),
    told: [
      ['of-host', 'GET', '/else', 'own.test-shadow', 'yes', ''],
      ['real', 'GET', '/else', 'own.test', 'yes', ''],
    ],
  },
  {
    name: 'the table’s where the host says none',
    question: { path: '/else', host: 'rest.test' },
    told: [
      ['of-table', 'GET', '/else', 'rest.test-shadow', '', ''],
      ['real', 'GET', '/else', 'rest.test', '', ''],
    ],
  },
  { name: 'an answer of the proxy’s own', question: own('/direct'), told: [] },
];

function told({ cluster, method, path, headers, body }: Seen): Told {
  return [cluster, method, path, headers['host'] ?? '', headers['x-edited'] ?? '', body];
}

describe('mirrors', { skip: missing('envoy') }, () => {
  let both: SameConfig;

  before(async () => {
    const dead = {
      load_assignment: {
        cluster_name: 'dead',
        endpoints: [
          { lb_endpoints: [{ endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: 1 } } } }] },
        ],
      },
    };
    both = await startSameConfig({
      routes: ROUTES,
      clusters: { real: {}, shadow: {}, 'of-host': {}, 'of-table': {}, dead },
    });
  });
  after(() => both.close());

  async function seenOf(kind: Kind, { question, told: expected }: Row): Promise<readonly Told[]> {
    const { status, body } = await both.ask(kind, question);
    assert.deepEqual([status, body], expected.length === 0 ? [204, ''] : [200, 'answer of real'], kind);
    const seen: Told[] = [];
    await until(`${kind} has sent ${expected.length}`, 5_000, () => {
      seen.push(...both.take(kind).map(told));
      return seen.length >= expected.length;
    });
    // Of what comes too much, a little later.
    await new Promise((resolve) => setTimeout(resolve, 50));
    return [...seen, ...both.take(kind).map(told)].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  for (const row of ROWS) {
    test(row.name, async () => {
      for (const kind of KINDS) assert.deepEqual(await seenOf(kind, row), row.told, kind);
    });
  }

  test('what became of them is counted by cluster', async () => {
    const text = await both.admin('weft', '/stats');
    for (const of of [
      'cluster="shadow",outcome="answered"',
      'cluster="dead",outcome="failed"',
      'cluster="unknown",outcome="no-cluster"',
    ]) {
      assert.match(text, new RegExp(`weft_mirrored_requests_total\\{${of}\\}: [1-9]`));
    }
  });
});
