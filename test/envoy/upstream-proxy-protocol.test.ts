/** Upstreams that are told whose a request is: HAProxy, which reads the headers, sees the same behind Envoy and behind our own proxy. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Child, until } from '../support/child.ts';
import { missing, program } from '../support/components.ts';
import { freePort } from '../support/live-mesh.ts';
import { MadeAuthority } from './made-certificates.ts';
import { type RunningEnvoy, startEnvoy, startWeftProxy } from './running.ts';
import { type Json, listenerFilter, REQUEST, socketAddress, told } from './told.ts';

const P = 'type.googleapis.com/envoy.extensions.';
const HERE = '127.0.0.1';
const filter = (kind: string, more: object): Json => ({
  name: kind,
  typed_config: { '@type': `${P}filters.network.${kind}`, stat_prefix: kind, ...more },
});

function httpTo(cluster: string): Json {
  return filter('http_connection_manager.v3.HttpConnectionManager', {
    route_config: {
      virtual_hosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster } }] }],
    },
    http_filters: [{ name: 'router', typed_config: { '@type': `${P}filters.http.router.v3.Router` } }],
  });
}

function clusterOf(name: string, port: number, version: 'V1' | 'V2', roots: string | null): Json {
  const raw = { name: 'raw', typed_config: { '@type': `${P}transport_sockets.raw_buffer.v3.RawBuffer` } };
  const context = { validation_context: { trusted_ca: { inline_string: roots } } };
  const tls = {
    name: 'tls',
    typed_config: { '@type': `${P}transport_sockets.tls.v3.UpstreamTlsContext`, common_tls_context: context },
  };
  const wrapping = {
    '@type': `${P}transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport`,
    config: { version },
    transport_socket: roots === null ? raw : tls,
  };
  const endpoints = [{ lb_endpoints: [{ endpoint: { address: socketAddress(HERE, port) } }] }];
  return {
    name,
    type: 'STATIC',
    connect_timeout: '1s',
    load_assignment: { cluster_name: name, endpoints },
    transport_socket: { name: 'proxied', typed_config: wrapping },
  };
}

describe('upstreams that are told whose a request is', { skip: missing('envoy', 'haproxy', 'openssl') }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-told-'));
  const authority = new MadeAuthority();
  let haproxy: Child | null = null;
  const proxies: RunningEnvoy[] = [];
  let clusters: readonly Json[] = [];

  before(async () => {
    const [clear, secure] = [await freePort(), await freePort()];
    const { cert, key } = authority.issue('ec', 'app', ['app.example']);
    writeFileSync(join(folder, 'app.pem'), `${cert}${key}`);
    writeFileSync(
      join(folder, 'haproxy.cfg'),
      `defaults
  mode http
  timeout connect 2s
  timeout client 5s
  timeout server 5s
frontend app
  bind ${HERE}:${clear} accept-proxy
  bind ${HERE}:${secure} accept-proxy ssl crt ${join(folder, 'app.pem')}
  http-request return status 200 content-type text/plain lf-string "%[src] %[src_port] %[dst]"
`,
    );
    haproxy = new Child(program('haproxy'), ['-db', '-f', join(folder, 'haproxy.cfg')]);
    clusters = [
      clusterOf('first', clear, 'V1', null),
      clusterOf('second', clear, 'V2', null),
      clusterOf('first over TLS', secure, 'V1', authority.roots),
      clusterOf('second over TLS', secure, 'V2', authority.roots),
    ];
    const names = clusters.map((cluster) => cluster['name'] as string);
    const listener = (name: string, last: Json, more: object = {}): Json => ({
      name,
      address: socketAddress('0.0.0.0'),
      filter_chains: [{ filters: [last] }],
      ...more,
    });
    const header = { listener_filters: [listenerFilter('proxy_protocol.v3.ProxyProtocol')] };
    const listeners = names.flatMap((name) => [
      listener(`http ${name}`, httpTo(name)),
      listener(`tcp ${name}`, filter('tcp_proxy.v3.TcpProxy', { cluster: name })),
      listener(`behind ${name}`, httpTo(name), header),
    ]);
    const bootstrap = { node: { id: 'told', cluster: 'told' }, static_resources: { listeners, clusters } };
    proxies.push(await startEnvoy(bootstrap));
    proxies.push(await startWeftProxy(bootstrap));
    const [envoy] = proxies;
    const port = envoy?.ports.get('http first') as number;
    await until('HAProxy serves', 10_000, async () => (await told({ host: HERE, port })).startsWith(HERE) || null);
  });

  after(async () => {
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    await haproxy?.stop(2_000);
    authority.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  test('each client is announced as itself, whoever came before it', { timeout: 60_000 }, async () => {
    const ports = [await freePort(), await freePort()];
    for (const name of clusters.map((cluster) => cluster['name'] as string)) {
      for (const kind of ['http', 'tcp']) {
        for (let round = 0; round < 3; round++) {
          for (const [i, localPort] of ports.entries()) {
            const localAddress = `127.0.0.${i + 2}`;
            for (const proxy of proxies) {
              const port = proxy.ports.get(`${kind} ${name}`) as number;
              const answer = await told({ host: '127.0.0.9', port, localAddress, localPort });
              assert.equal(answer, `${localAddress} ${localPort} 127.0.0.9`, `${kind} ${name}`);
            }
          }
        }
      }
    }
  });

  test('what a header told of a client is passed on', { timeout: 60_000 }, async () => {
    for (const name of clusters.map((cluster) => cluster['name'] as string)) {
      for (const proxy of proxies) {
        const port = proxy.ports.get(`behind ${name}`) as number;
        for (const [header, expected] of [
          ['PROXY TCP4 192.0.2.7 10.0.0.1 7 80\r\n', '192.0.2.7 7 10.0.0.1'],
          ['PROXY TCP6 2001:db8::7 fd00::1 7 80\r\n', '2001:db8::7 7 fd00::1'],
        ] as const) {
          assert.equal(await told({ host: HERE, port }, `${header}${REQUEST}`), expected, name);
        }
      }
    }
  });

  test('what would not be passed on is refused by its field', { timeout: 30_000 }, async () => {
    const [first] = clusters as readonly [Json];
    const { typed_config: wrapping } = first['transport_socket'] as { readonly typed_config: Json };
    const transport = (config: Json): Json => ({ name: 'proxied', typed_config: config });
    const refused: readonly (readonly [object, RegExp])[] = [
      [
        { transport_socket: transport({ ...wrapping, config: { pass_through_tlvs: { match_type: 'INCLUDE_ALL' } } }) },
        /transport_socket\.typed_config: config\.pass_through_tlvs/,
      ],
      [
        { transport_socket_matches: [{ name: 'a', match: {}, transport_socket: transport(wrapping) }] },
        /transport_socket_matches\[0\]\.transport_socket/,
      ],
    ];
    for (const [more, path] of refused) {
      const statics = { listeners: [], clusters: [{ ...first, ...more }] };
      await assert.rejects(startWeftProxy({ node: { id: 'a', cluster: 'a' }, static_resources: statics }), path);
    }
  });
});
