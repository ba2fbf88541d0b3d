/** The same bootstrap file in the real Envoy and in `weft proxy -c`: both answer alike, and both see the same resources. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { createServer as createSecureServer, request as secureRequest } from 'node:https';
import { after, before, describe, test } from 'node:test';
import type { TlsIdentity } from '../../src/core/runtime.ts';
import { createAuthority } from '../../src/runtime/test/certificates.ts';
import { missing } from '../support/components.ts';
import { type RunningEnvoy, startEnvoy, startWeftProxy } from './running.ts';

const P = 'type.googleapis.com/envoy.extensions.';
const TLS = `${P}transport_sockets.tls.v3.`;

const socket = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } });

function cluster(name: string, port: number, more: object = {}) {
  const endpoints = [{ lb_endpoints: [{ endpoint: { address: socket(port) } }] }];
  return { name, type: 'STATIC', connect_timeout: '1s', load_assignment: { cluster_name: name, endpoints }, ...more };
}

function upstreamTls(roots: string, san: string) {
  const matcher = { san_type: 'DNS', matcher: { exact: san } };
  return {
    transport_socket: {
      name: 'tls',
      typed_config: {
        '@type': `${TLS}UpstreamTlsContext`,
        sni: 'app.example',
        common_tls_context: {
          validation_context: { trusted_ca: { inline_string: roots }, match_typed_subject_alt_names: [matcher] },
        },
      },
    },
  };
}

function httpListener(name: string, routes: readonly object[], more: object = {}, says: object = {}) {
  const manager = {
    '@type': `${P}filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: name,
    route_config: { name, virtual_hosts: [{ name, domains: ['*'], routes }] },
    http_filters: [{ name: 'router', typed_config: { '@type': `${P}filters.http.router.v3.Router` } }],
    ...says,
  };
  return {
    name,
    address: socket(0),
    filter_chains: [{ filters: [{ name: 'http', typed_config: manager }], ...more }],
  };
}

const to = (name: string, more: object = {}) => ({ route: { cluster: name, ...more } });

const ROUTES: readonly object[] = [
  { match: { path: '/exact' }, ...to('app') },
  { match: { path_separated_prefix: '/part' }, ...to('app') },
  { match: { safe_regex: { regex: '/re/[0-9]+' } }, ...to('app') },
  { match: { prefix: '/header', headers: [{ name: 'x-kind', string_match: { exact: 'blue' } }] }, ...to('app') },
  { match: { prefix: '/query', query_parameters: [{ name: 'a', string_match: { prefix: '1' } }] }, ...to('app') },
  { match: { prefix: '/CASE', case_sensitive: false }, ...to('app') },
  { match: { prefix: '/rewrite/' }, ...to('app', { prefix_rewrite: '/to/', host_rewrite_literal: 'other.example' }) },
  {
    match: { prefix: '/headers' },
    ...to('app'),
    request_headers_to_add: [{ header: { key: 'x-added', value: 'yes' } }],
    request_headers_to_remove: ['x-secret'],
    response_headers_to_add: [{ header: { key: 'x-answer', value: 'seen' } }],
  },
  { match: { prefix: '/moved' }, redirect: { path_redirect: '/new', response_code: 'FOUND' } },
  { match: { prefix: '/https' }, redirect: { https_redirect: true, host_redirect: 'safe.example' } },
  { match: { prefix: '/direct' }, direct_response: { status: 418, body: { inline_string: 'short and stout' } } },
  { match: { prefix: '/gone' }, ...to('nowhere', { cluster_not_found_response_code: 'NOT_FOUND' }) },
  { match: { prefix: '/slow' }, ...to('app', { timeout: '0.2s' }) },
  { match: { prefix: '/closed' }, ...to('closed') },
  {
    match: { prefix: '/weights' },
    route: {
      weighted_clusters: {
        clusters: [
          { name: 'app', weight: 1 },
          { name: 'closed', weight: 0 },
        ],
      },
    },
  },
  { match: { prefix: '/flaky' }, ...to('app', { retry_policy: { retry_on: '5xx', num_retries: 2 } }) },
  { match: { prefix: '/secure' }, ...to('secure') },
  { match: { prefix: '/wrong' }, ...to('wrong-name') },
];

interface Ask {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
}

const ASKS: readonly Ask[] = [
  { path: '/exact' },
  { path: '/exact?x=1' },
  { path: '/exact', headers: { 'x-forwarded-proto': 'https' } },
  { path: '/exact/more' },
  { path: '/part' },
  { path: '/part/of' },
  { path: '/party' },
  { path: '/re/12' },
  { path: '/re/12x' },
  { path: '/header', headers: { 'x-kind': 'blue' } },
  { path: '/header', headers: { 'x-kind': 'red' } },
  { path: '/query?a=12' },
  { path: '/query?a=2' },
  { path: '/case/x' },
  { path: '/rewrite/here?q=1' },
  { path: '/headers', headers: { 'x-secret': 'x', 'x-kept': 'y' } },
  { path: '/moved?keep=1' },
  { path: '/https/place' },
  { path: '/direct' },
  { path: '/direct', method: 'POST' },
  { path: '/gone' },
  { path: '/slow' },
  { path: '/closed' },
  { path: '/weights' },
  { path: '/flaky' },
  { path: '/secure' },
  { path: '/wrong' },
  { path: '/nothing' },
  { path: '/exact', method: 'PUT' },
];

/** What must be alike of an answer: words of an error are each proxy's own. */
interface Told {
  readonly status: number;
  readonly location: string;
  readonly added: string;
  readonly body: string;
}

async function ask(port: number, { path, headers = {}, method = 'GET' }: Ask, overTls: boolean): Promise<Told> {
  const options = { host: '127.0.0.1', port, path, method, headers: { host: 'app.example', ...headers } };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = !overTls
      ? request(options)
      : secureRequest({ ...options, rejectUnauthorized: false, servername: 'app.example' });
    outgoing
      .on('response', resolve)
      .on('error', reject)
      .setTimeout(10_000, () => outgoing.destroy(new Error('slow')));
    outgoing.end();
  });
  let body = '';
  for await (const chunk of response.setEncoding('utf8')) body += String(chunk);
  const status = response.statusCode ?? 0;
  return {
    status,
    location: response.headers.location ?? '',
    added: String(response.headers['x-answer'] ?? ''),
    body: status === 200 || status === 418 ? body : '',
  };
}

describe('one bootstrap, two proxies', { skip: missing('envoy') }, () => {
  const proxies = new Map<string, RunningEnvoy>();
  const servers: { close(): void }[] = [];
  let flaky = 0;

  /** Says what it was asked; `/slow` too late, `/flaky` at the third try. */
  function answer(incoming: IncomingMessage, response: ServerResponse): void {
    const { method, url = '', headers } = incoming;
    if (url.startsWith('/slow')) {
      setTimeout(() => response.end('late'), 1_000);
      return;
    }
    if (url.startsWith('/flaky') && ++flaky % 3 !== 0) {
      response.statusCode = 503;
      response.end();
      return;
    }
    const kept = Object.fromEntries(
      Object.entries(headers)
        .filter(([name]) => /^x-(?:added|secret|kept|kind|forwarded-proto)$|^host$/.test(name))
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    );
    response.end(JSON.stringify({ method, url, kept }));
  }

  async function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push(server);
    return (server.address() as AddressInfo).port;
  }

  before(async () => {
    const authority = await createAuthority('test roots');
    const identity: TlsIdentity = await authority.issue({ dnsNames: ['app.example'] });
    const roots = identity.trustBundlePem;
    const certificate = { cert: identity.certificateChainPem, key: identity.privateKeyPem };
    const [app, secure, echo] = [
      await listen(createServer(answer)),
      await listen(createSecureServer(certificate, answer)),
      await listen(createTcpServer((connection) => connection.pipe(connection))),
    ];
    const closed = createTcpServer();
    const closedPort = await listen(closed);
    closed.close();
    const downstreamTls = {
      transport_socket: {
        name: 'tls',
        typed_config: {
          '@type': `${TLS}DownstreamTlsContext`,
          common_tls_context: {
            tls_certificates: [
              {
                certificate_chain: { inline_string: identity.certificateChainPem },
                private_key: { inline_string: identity.privateKeyPem },
              },
            ],
          },
        },
      },
    };
    const tcp = { '@type': `${P}filters.network.tcp_proxy.v3.TcpProxy`, stat_prefix: 'tcp', cluster: 'echo' };
    const bootstrap = {
      node: { id: 'edge-1', cluster: 'edge' },
      static_resources: {
        listeners: [
          httpListener('plain', ROUTES),
          httpListener('secure', ROUTES, downstreamTls),
          httpListener('edge', ROUTES, {}, { use_remote_address: true }),
          { name: 'tcp', address: socket(0), filter_chains: [{ filters: [{ name: 'tcp', typed_config: tcp }] }] },
        ],
        clusters: [
          cluster('app', app),
          cluster('closed', closedPort),
          cluster('echo', echo),
          cluster('secure', secure, upstreamTls(roots, 'app.example')),
          cluster('wrong-name', secure, upstreamTls(roots, 'other.example')),
        ],
      },
    };
    const unchecked = JSON.parse(
      JSON.stringify(bootstrap).replaceAll('"route_config":{', '"route_config":{"validate_clusters":false,'),
    ) as typeof bootstrap;
    // One after the other: what has started is ended when the next one does not.
    proxies.set('weft', await startWeftProxy(bootstrap));
    proxies.set('envoy', await startEnvoy(unchecked));
  });

  after(async () => {
    for (const server of servers) server.close();
    await Promise.all([...proxies.values()].map((proxy) => proxy.stop()));
  });

  const portOf = (proxy: string, listener: string): number => {
    const port = proxies.get(proxy)?.ports.get(listener);
    assert.ok(port !== undefined, `${proxy} has no ${listener}`);
    return port;
  };

  for (const [i, asked] of ASKS.entries()) {
    test(`${asked.method ?? 'GET'} ${asked.path} ${Object.values(asked.headers ?? {}).join()} (${i})`, async () => {
      for (const listener of ['plain', 'secure', 'edge']) {
        const overTls = listener === 'secure';
        flaky = 0;
        const expected = await ask(portOf('envoy', listener), asked, overTls);
        flaky = 0;
        assert.deepEqual(await ask(portOf('weft', listener), asked, overTls), expected, listener);
      }
    });
  }

  test('raw bytes pass', async () => {
    for (const proxy of proxies.keys()) {
      const echoed = await new Promise<string>((resolve, reject) => {
        const connection = connect(portOf(proxy, 'tcp'), '127.0.0.1', () => connection.write('hello'));
        connection.setEncoding('utf8').on('data', (text) => {
          connection.destroy();
          resolve(String(text));
        });
        connection.on('error', reject);
      });
      assert.equal(echoed, 'hello', proxy);
    }
  });

  test('tools that read the admin endpoint find the same resources', async () => {
    const seen = await Promise.all([...proxies.values()].map(({ admin }) => seenBy(admin)));
    assert.deepEqual(seen[0], seen[1]);
  });
});

interface Statuses {
  readonly cluster_statuses: readonly {
    readonly name: string;
    readonly host_statuses?: readonly { readonly address: unknown }[];
  }[];
}

type Dump = Readonly<Record<string, readonly Readonly<Record<string, { readonly name: string }>>[]>>;

const LINES = /::(?:default_priority::max_requests|.*health_flags|.*::priority)::/;

/** What both proxies must tell alike, in one order. */
async function seenBy(admin: (path: string) => Promise<string>): Promise<readonly string[]> {
  const { configs } = JSON.parse(await admin('/config_dump')) as { readonly configs: readonly Dump[] };
  const named = (list: string, field: string): string[] =>
    configs.flatMap((dump) => dump[list] ?? []).map((each) => `${list} ${each[field]?.name}`);
  const { cluster_statuses: clusters } = JSON.parse(await admin('/clusters?format=json')) as Statuses;
  const lines = (await admin('/clusters')).split('\n').filter((line) => LINES.test(line));
  return [
    ...named('static_clusters', 'cluster'),
    ...named('static_listeners', 'listener'),
    ...clusters.map(({ name, host_statuses: hosts = [] }) =>
      JSON.stringify([name, hosts.map(({ address }) => address)]),
    ),
    ...lines,
    (await admin('/stats?filter=^cluster.app.membership_total$')).trim(),
  ].toSorted();
}
