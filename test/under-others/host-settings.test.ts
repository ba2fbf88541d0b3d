/** What virtual hosts say for all their routes, TLS and counts of tries: Weft's proxy and Envoy do the same. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { missing } from '../support/components.ts';
import { KINDS, type Question, type SameConfig, startSameConfig } from './same-config.ts';

const RETRIES = { retry_on: '5xx,connect-failure', num_retries: 2 };
const COUNTS = { include_request_attempt_count: true, include_attempt_count_in_response: true };

const HOSTS: Readonly<Record<string, object>> = {
  plain: {},
  tls: { require_tls: 'ALL' },
  outside: { require_tls: 'EXTERNAL_ONLY' },
  counted: COUNTS,
  asked: { include_request_attempt_count: true },
  answered: { include_attempt_count_in_response: true },
};

const websocket = (enabled: boolean): object => ({ upgrade_configs: [{ upgrade_type: 'websocket', enabled }] });

const routes = [
  { match: { prefix: '/barred' }, route: { cluster: 'real', ...websocket(false) } },
  { match: { prefix: '/listed' }, route: { cluster: 'real', ...websocket(true) } },
  { match: { prefix: '/direct' }, direct_response: { status: 200 } },
  { match: { prefix: '/dead' }, route: { cluster: 'dead', retry_policy: RETRIES } },
  { match: { prefix: '/once' }, route: { cluster: 'dead' } },
  { match: { prefix: '/a' }, route: { cluster: 'real', retry_policy: RETRIES } },
];

interface Row {
  readonly host: string;
  readonly path: string;
  readonly headers?: Question['headers'];
  /** Status, location and count of the answer, then the count that each try said. */
  readonly told: readonly (string | number | null)[];
}

const COUNT = 'x-envoy-attempt-count';
const FAILS = { 'x-answer': '503' };
const ROWS: readonly Row[] = [
  { host: 'plain.test', path: '/a', told: [200, null, null, null] },
  { host: 'tls.test', path: '/a?q=1', told: [301, 'https://tls.test/a?q=1', null] },
  { host: 'tls.test:8080', path: '/direct', told: [301, 'https://tls.test:8080/direct', null] },
  { host: 'tls.test', path: '/nowhere', told: [301, 'https://tls.test/nowhere', null] },
  { host: 'tls.test', path: '/a', headers: { 'x-forwarded-proto': 'https' }, told: [200, null, null, null] },
  {
    host: 'tls.test',
    path: '/a',
    headers: { 'x-forwarded-proto': 'http' },
    told: [301, 'https://tls.test/a', null],
  },
  {
    host: 'tls.test',
    path: '/a',
    headers: { 'x-envoy-internal': 'true' },
    told: [301, 'https://tls.test/a', null],
  },
  { host: 'outside.test', path: '/a', told: [301, 'https://outside.test/a', null] },
  {
    host: 'outside.test',
    path: '/a',
    headers: { 'x-envoy-internal': 'true', 'x-forwarded-for': '10.0.0.1' },
    told: [301, 'https://outside.test/a', null],
  },
  { host: 'outside.test', path: '/a', headers: { 'x-forwarded-proto': 'https' }, told: [200, null, null, null] },
  { host: 'counted.test', path: '/a', told: [200, null, '1', '1'] },
  { host: 'counted.test', path: '/a', headers: FAILS, told: [503, null, '3', '1', '2', '3'] },
  { host: 'counted.test', path: '/a', headers: { [COUNT]: '7' }, told: [200, null, '1', '1'] },
  { host: 'counted.test', path: '/dead', told: [503, null, '3'] },
  { host: 'counted.test', path: '/once', told: [503, null, '1'] },
  { host: 'counted.test', path: '/direct', told: [200, null, null] },
  { host: 'counted.test', path: '/nowhere', told: [404, null, null] },
  { host: 'asked.test', path: '/a', headers: FAILS, told: [503, null, null, '1', '2', '3'] },
  { host: 'answered.test', path: '/a', headers: FAILS, told: [503, null, '3', null, null, null] },
];

describe('what a virtual host says', { skip: missing('envoy') }, () => {
  let both: SameConfig;

  before(async () => {
    const dead = { address: { socket_address: { address: '127.0.0.1', port_value: 1 } } };
    const hosts = Object.entries(HOSTS).map(([name, parts]) => ({
      name,
      domains: [`${name}.test`, `${name}.test:*`],
      routes,
      ...parts,
    }));
    both = await startSameConfig({
      routes: { name: 'hosts', virtual_hosts: hosts },
      manager: { upgrade_configs: [{ upgrade_type: 'websocket' }] },
      clusters: {
        real: {},
        dead: { load_assignment: { cluster_name: 'dead', endpoints: [{ lb_endpoints: [{ endpoint: dead }] }] } },
      },
    });
  });
  after(() => both.close());

  test('an upgrade goes on where the listener lists it and the route does not bar it', async () => {
    for (const kind of KINDS) {
      const passed: string[] = [];
      for (const path of ['/a', '/listed', '/barred']) {
        const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' };
        await both.ask(kind, { host: 'plain.test', path, headers });
        passed.push(...both.take(kind).flatMap((seen) => (seen.headers['upgrade'] === undefined ? [] : [seen.path])));
      }
      assert.deepEqual(passed, ['/a', '/listed'], kind);
    }
  });

  for (const { host, path, headers = {}, told } of ROWS) {
    test(`${host}${path} ${JSON.stringify(headers)}`, async () => {
      for (const kind of KINDS) {
        const answer = await both.ask(kind, { host, path, headers });
        const tries = both.take(kind).map((seen) => seen.headers[COUNT] ?? null);
        const { location = null, [COUNT]: count = null } = answer.headers;
        assert.deepEqual([answer.status, location, count, ...tries], told, kind);
      }
    });
  }
});
