/** Paths and hosts that routes rewrite, and where they redirect: Weft's proxy and Envoy say the same. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { missing } from '../support/components.ts';
import { KINDS, type Kind, type Question, type SameConfig, startSameConfig } from './same-config.ts';

const regex = (pattern: string, substitution: string): object => ({ pattern: { regex: pattern }, substitution });

interface Row {
  /** The route is found by this prefix, behind which the paths go on. */
  readonly prefix: string;
  readonly action: object;
  readonly paths: readonly string[];
  /** Path and host that the back end saw, in brackets `x-forwarded-host`; or the redirect. */
  readonly told: readonly string[];
  readonly question?: Question;
}

const to = (parts: object): object => ({ route: { cluster: 'real', ...parts } });
const ROWS: readonly Row[] = [
  {
    prefix: '/service',
    action: to({ regex_rewrite: regex('^/service/([^/]+)(/.*)$', '\\2/instance/\\1') }),
    paths: ['/foo/v1/api', '/foo/v1/api?x=/service/a/b', '/foo'],
    told: ['/v1/api/instance/foo shop.test', '/v1/api/instance/foo?x=/service/a/b shop.test', '/service/foo shop.test'],
  },
  {
    prefix: '/every',
    action: to({ regex_rewrite: regex('one', 'two') }),
    paths: ['/one/yyy/one/zzz?one'],
    told: ['/every/two/yyy/two/zzz?one shop.test'],
  },
  {
    prefix: '/first',
    action: to({ regex_rewrite: regex('^(.*?)one(.*)$', '\\1two\\2') }),
    paths: ['/one/yyy/one/zzz'],
    told: ['/first/two/yyy/one/zzz shop.test'],
  },
  {
    prefix: '/empty',
    action: to({ regex_rewrite: regex('x*', '-') }),
    paths: ['/axxb'],
    told: ['400'],
  },
  {
    prefix: '/behind',
    action: to({ regex_rewrite: regex('(x*)$', '<\\1>') }),
    paths: ['/axx', '/a'],
    told: ['/behind/a<xx> shop.test', '/behind/a<> shop.test'],
  },
  {
    prefix: '/case',
    action: to({ regex_rewrite: regex('(?i)/XXX/', '/yyy/') }),
    paths: ['/a/xXx/b'],
    told: ['/case/a/yyy/b shop.test'],
  },
  {
    prefix: '/moved',
    action: { redirect: { regex_rewrite: regex('^/moved/([^/]+)/(.*)$', '/\\2/\\1') } },
    paths: ['/a/b/c', '/a/b?q=1', '/a'],
    told: ['301 http://shop.test/b/c/a', '301 http://shop.test/b/a?q=1', '301 http://shop.test/moved/a'],
  },
  {
    prefix: '/stripped',
    action: { redirect: { regex_rewrite: regex('stripped', 'gone'), strip_query: true, response_code: 'FOUND' } },
    paths: ['/a?q=1'],
    told: ['302 http://shop.test/gone/a'],
  },
  {
    prefix: '/of-path',
    action: to({
      host_rewrite_path_regex: regex('^/of-path/([a-z]+)/?.*$', '\\1.test'),
      prefix_rewrite: '/there',
      append_x_forwarded_host: true,
    }),
    paths: ['/shop/a?q=1', '/blog'],
    told: ['/there/shop/a?q=1 shop.test (shop.test)', '/there/blog blog.test (shop.test)'],
  },
  {
    prefix: '/auto',
    action: to({ auto_host_rewrite: true }),
    paths: ['/a'],
    told: ['/auto/a real.host'],
  },
  {
    prefix: '/said',
    action: to({ auto_host_rewrite: true, append_x_forwarded_host: true }),
    paths: ['/a'],
    told: ['/said/a real.host (first.test,shop.test)'],
    question: { headers: { 'x-forwarded-host': 'first.test' } },
  },
  {
    prefix: '/nameless',
    action: { route: { cluster: 'nameless', auto_host_rewrite: true, append_x_forwarded_host: true } },
    paths: ['/a'],
    told: ['/nameless/a shop.test'],
  },
  {
    prefix: '/literal',
    action: to({ host_rewrite_literal: 'other.test', append_x_forwarded_host: true }),
    paths: ['/a'],
    told: ['/literal/a other.test (shop.test)'],
  },
  {
    prefix: '/again',
    action: to({ host_rewrite_literal: 'other.test', append_x_forwarded_host: true }),
    paths: ['/a'],
    told: ['/again/a other.test (first.test,shop.test)'],
    question: { headers: { 'x-forwarded-host': 'first.test,shop.test' } },
  },
  {
    prefix: '/field',
    action: to({ host_rewrite_header: 'x-to', append_x_forwarded_host: true }),
    paths: ['/a'],
    told: ['/field/a said.test (shop.test)'],
    question: { headers: { 'x-to': 'said.test' } },
  },
  {
    prefix: '/unsaid',
    action: to({ host_rewrite_header: 'x-to', append_x_forwarded_host: true }),
    paths: ['/a'],
    told: ['/unsaid/a shop.test'],
  },
];

describe('rewrites', { skip: missing('envoy') }, () => {
  let both: SameConfig;

  before(async () => {
    const routes = [
      ...ROWS.map(({ prefix, action }) => ({ match: { prefix }, ...action })),
      {
        match: { prefix: '/retried' },
        route: {
          cluster: 'real',
          auto_host_rewrite: true,
          append_x_forwarded_host: true,
          retry_policy: { retry_on: '5xx', num_retries: 2 },
        },
      },
    ];
    both = await startSameConfig({
      routes: { name: 'rewrites', virtual_hosts: [{ name: 'all', domains: ['*'], routes }] },
      clusters: { real: {}, nameless: {} },
    });
  });
  after(() => both.close());

  async function told(kind: Kind, question: Question): Promise<string> {
    const { status, headers } = await both.ask(kind, question);
    const [seen] = both.take(kind);
    if (seen !== undefined) {
      const { host, 'x-forwarded-host': forwarded } = seen.headers;
      return `${seen.path} ${host}${forwarded === undefined ? '' : ` (${forwarded})`}`;
    }
    return headers['location'] === undefined ? String(status) : `${status} ${headers['location']}`;
  }

  test('each try has the name of its endpoint', async () => {
    const [weft, envoy] = await Promise.all(
      KINDS.map(async (kind) => {
        await both.ask(kind, { path: '/retried', headers: { 'x-answer': '503' } });
        return both.take(kind).map(({ headers }) => [headers['host'], headers['x-forwarded-host']]);
      }),
    );
    assert.equal(weft?.length, 3);
    assert.deepEqual(weft, envoy);
  });

  for (const { prefix, paths, told: expected, question } of ROWS) {
    test(prefix, async () => {
      for (const kind of KINDS) {
        const found: string[] = [];
        for (const path of paths) found.push(await told(kind, { ...question, path: `${prefix}${path}` }));
        assert.deepEqual(found, expected, kind);
      }
    });
  }
});
