/**
 * Connections that say whose they are and where they were going: Envoy and our own proxy believe the same headers, refuse
 * the same, and lead each connection to the same listener. HAProxy and curl are the senders that are neither.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect as connectSecurely } from 'node:tls';
import { promisify } from 'node:util';
import { Child, until } from '../support/child.ts';
import { missing, program } from '../support/components.ts';
import { freePort } from '../support/live-mesh.ts';
import { type RunningEnvoy, startEnvoy, startWeftProxy } from './running.ts';
import { MadeAuthority } from './made-certificates.ts';
import { type Json, listenerFilter, namedChain, REQUEST, socketAddress, told } from './told.ts';

const run = promisify(execFile);
const HERE = '127.0.0.1';

const proxyProtocol = (more: object = {}): Json => listenerFilter('proxy_protocol.v3.ProxyProtocol', more);
const range = (address: string, bits = 32) => ({ address_prefix: address, prefix_len: bits });

/** Chains that tell what the proxy takes a connection for. */
const CHAINS = [
  namedChain('from 192.0.2.0/24', {
    source_type: 'EXTERNAL',
    direct_source_prefix_ranges: [range('127.0.0.0', 8)],
    source_prefix_ranges: [range('192.0.2.0', 24)],
  }),
  namedChain('from 192.0.2.7 port 7', {
    direct_source_prefix_ranges: [range('127.0.0.0', 8)],
    source_type: 'EXTERNAL',
    source_prefix_ranges: [range('192.0.2.7')],
    source_ports: [7],
  }),
  namedChain('from 2001:db8::/32', {
    direct_source_prefix_ranges: [range('127.0.0.0', 8)],
    source_type: 'EXTERNAL',
    source_prefix_ranges: [range('2001:db8::', 32)],
  }),
  namedChain('to 10.0.0.0/8', { prefix_ranges: [range('10.0.0.0', 8)] }),
  namedChain('to 10.0.0.0/8 from 192.0.2.0/24', {
    prefix_ranges: [range('10.0.0.0', 8)],
    source_prefix_ranges: [range('192.0.2.0', 24)],
  }),
  namedChain('port 4711', { destination_port: 4711 }),
  namedChain('from here', {
    direct_source_prefix_ranges: [range('127.0.0.0', 8)],
    source_type: 'SAME_IP_OR_LOOPBACK',
  }),
  namedChain('from elsewhere', { direct_source_prefix_ranges: [range('127.0.0.0', 8)], source_type: 'EXTERNAL' }),
];

const LISTENERS: readonly Json[] = [
  { name: 'strict', listener_filters: [proxyProtocol()] },
  { name: 'loose', listener_filters: [proxyProtocol({ allow_requests_without_proxy_protocol: true })] },
  { name: 'first', listener_filters: [proxyProtocol({ disallowed_versions: ['V2'] })] },
  {
    name: 'loose second',
    listener_filters: [
      proxyProtocol({ disallowed_versions: ['V1'], allow_requests_without_proxy_protocol: true }),
      listenerFilter('http_inspector.v3.HttpInspector'),
    ],
  },
  { name: 'handing over', use_original_dst: true, listener_filters: [proxyProtocol()] },
].map((each) => ({ address: socketAddress(HERE), filter_chains: CHAINS, ...each }));

const unbound = (name: string, address: string, port: number): Json => ({
  name,
  bind_to_port: false,
  address: socketAddress(address, port),
  filter_chains: [namedChain(name, {})],
});

const UNBOUND = [
  unbound('10.1.0.1:81', '10.1.0.1', 81),
  unbound('all of 81', '0.0.0.0', 81),
  unbound('all of 82', '0.0.0.0', 82),
  unbound('all of [81]', '::', 81),
];

const P = 'type.googleapis.com/envoy.extensions.';
/** What is told of a connection, to the client and to the application. */
const TOLD = [
  ...['REMOTE', 'LOCAL', 'DIRECT_REMOTE', 'DIRECT_LOCAL'].map((end) => `%DOWNSTREAM_${end}_ADDRESS_WITHOUT_PORT%`),
  '%DOWNSTREAM_REMOTE_PORT%',
  '%DOWNSTREAM_LOCAL_PORT%',
].join(' ');

function telling(name: string, principal: object | null, more: object = {}): Json {
  const rules = { action: 'DENY', policies: { all: { permissions: [{ any: true }], principals: [principal] } } };
  const rbac = { '@type': `${P}filters.network.rbac.v3.RBAC`, stat_prefix: name, rules };
  const manager = {
    '@type': `${P}filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: name,
    use_remote_address: true,
    route_config: {
      name,
      response_headers_to_add: [{ header: { key: 'x-told', value: TOLD } }],
      virtual_hosts: [{ name, domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'echo' } }] }],
    },
    http_filters: [{ name: 'router', typed_config: { '@type': `${P}filters.http.router.v3.Router` } }],
  };
  const filters = [
    ...(principal === null ? [] : [{ name: 'rbac', typed_config: rbac }]),
    { name: 'http', typed_config: manager },
  ];
  return {
    name,
    address: socketAddress(HERE),
    listener_filters: [proxyProtocol()],
    filter_chains: [{ filters, ...more }],
  };
}

const TELLING: readonly Json[] = [
  telling('all', null),
  telling('not the caller', { source_ip: range('192.0.2.7') }),
  telling('not that remote', { remote_ip: range('192.0.2.7') }),
  telling('not who connects', { direct_remote_ip: range(HERE) }),
  telling('not from the caller directly', { direct_remote_ip: range('192.0.2.7') }),
];

function binary(command: number, family: number, body: readonly number[]): Buffer {
  const fixed = [command, family, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'), Buffer.from([...fixed, ...body])]);
}

const FOUR = [192, 0, 2, 7, 10, 1, 0, 1, 0, 7, 0, 81];
const SIX = [0x20, 1, 0x0d, 0xb8, ...Array<number>(11).fill(0), 1, ...Array<number>(15).fill(0), 9, 0, 7, 0, 81];

/** What comes before the request. */
const HEADERS: readonly (string | Buffer)[] = [
  '',
  'PROXY TCP4 192.0.2.7 127.0.0.9 7 80\r\n',
  'PROXY TCP4 192.0.2.7 127.0.0.9 8 80\r\n',
  'PROXY TCP4 192.0.2.8 127.0.0.9 8 80\r\n',
  'PROXY TCP4 192.0.3.7 127.0.0.9 8 80\r\n',
  'PROXY TCP4 127.0.0.1 127.0.0.9 8 80\r\n',
  'PROXY TCP4 127.0.0.5 127.0.0.9 8 80\r\n',
  'PROXY TCP4 192.0.2.7 192.0.2.7 8 80\r\n',
  'PROXY TCP4 192.0.2.7 10.1.0.1 7 80\r\n',
  'PROXY TCP4 192.0.3.7 10.1.0.1 7 80\r\n',
  'PROXY TCP4 192.0.2.7 10.1.0.1 7 81\r\n',
  'PROXY TCP4 192.0.2.7 10.1.0.2 7 81\r\n',
  'PROXY TCP4 192.0.2.7 10.1.0.2 7 82\r\n',
  'PROXY TCP4 192.0.2.7 10.1.0.2 7 4711\r\n',
  'PROXY TCP6 2001:db8::1 ::9 7 80\r\n',
  'PROXY TCP6 2001:db8::1 ::9 7 81\r\n',
  'PROXY UNKNOWN\r\n',
  'PROXY UNKNOWN whatever that is\r\n',
  'PROXY TCP4 192.0.2.7 127.0.0.9 7\r\n',
  'PROXY TCP4 192.0.2.7 127.0.0.9 7 70000\r\n',
  'PROXY TCP4 192.0.2.777 127.0.0.9 7 80\r\n',
  'PROXY TCP4 0.0.0.0 127.0.0.9 7 80\r\n',
  'PROXY TCP4 224.0.0.1 127.0.0.9 7 80\r\n',
  'PROXY TCP6 192.0.2.7 127.0.0.9 7 80\r\n',
  'PROXY TCP5 192.0.2.7 127.0.0.9 7 80\r\n',
  'PROXY \r\n',
  'PROXYTCP4 192.0.2.7 127.0.0.9 7 80\r\n',
  `PROXY UNKNOWN ${'x'.repeat(120)}\r\n`,
  binary(0x21, 0x11, FOUR),
  binary(0x21, 0x12, FOUR),
  binary(0x21, 0x11, [...FOUR, 4, 0, 3, 1, 2, 3, 0x20, 0, 0]),
  binary(0x21, 0x11, [...FOUR, 4, 0, 9, 1, 2, 3]),
  binary(0x21, 0x11, [...FOUR, 4]),
  binary(0x21, 0x11, FOUR.slice(1)),
  binary(0x21, 0x21, SIX),
  binary(0x20, 0x11, FOUR),
  binary(0x20, 0, []),
  binary(0x21, 0x00, FOUR),
  binary(0x21, 0x31, Array<number>(216).fill(1)),
  binary(0x22, 0x11, FOUR),
  binary(0x31, 0x11, FOUR),
];

describe('connections that say whose they are', { skip: missing('envoy', 'haproxy', 'curl') }, () => {
  let envoy: RunningEnvoy;
  let weft: RunningEnvoy;

  let echo: Server;
  let authority: MadeAuthority;
  let bootstrap: Json;

  before(async () => {
    authority = new MadeAuthority();
    const { cert, key } = authority.issue('ec', 'server', ['server.example']);
    const certificate = { certificate_chain: { inline_string: cert }, private_key: { inline_string: key } };
    const tls = {
      '@type': `${P}transport_sockets.tls.v3.DownstreamTlsContext`,
      common_tls_context: { tls_certificates: [certificate] },
    };
    echo = createServer((request, response) => response.end(String(request.headers['x-forwarded-for'])));
    await new Promise<void>((resolve) => echo.listen(0, HERE, resolve));
    const { port } = echo.address() as AddressInfo;
    const endpoints = [{ lb_endpoints: [{ endpoint: { address: socketAddress(HERE, port) } }] }];
    const over = telling('over TLS', null, { transport_socket: { name: 'tls', typed_config: tls } });
    bootstrap = {
      node: { id: 'proxied', cluster: 'proxied' },
      static_resources: {
        listeners: [...LISTENERS, ...UNBOUND, ...TELLING, over],
        clusters: [
          {
            name: 'echo',
            type: 'STATIC',
            connect_timeout: '1s',
            load_assignment: { cluster_name: 'echo', endpoints },
          },
        ],
      },
    };
    envoy = await startEnvoy(bootstrap);
    weft = await startWeftProxy(bootstrap);
  });

  after(async () => {
    echo?.close();
    authority?.remove();
    await Promise.all([envoy?.stop(), weft?.stop()]);
  });

  test('both proxies take each header for the same, and refuse the same', { timeout: 60_000 }, async () => {
    const seen = new Set<string>();
    for (const { name } of LISTENERS as readonly { readonly name: string }[]) {
      for (const header of HEADERS) {
        const sent = Buffer.concat([Buffer.from(header), Buffer.from(REQUEST)]);
        const ask = (proxy: RunningEnvoy) => told({ host: HERE, port: proxy.ports.get(name) as number }, sent);
        const [theirs, ours] = await Promise.all([ask(envoy), ask(weft)]);
        const shown = typeof header === 'string' ? header : header.toString('hex');
        assert.equal(ours, theirs, `${name}: ${JSON.stringify(shown)}`);
        seen.add(theirs);
      }
    }
    const all = [...CHAINS, ...UNBOUND].map((each) => each['name'] as string);
    assert.deepEqual([...seen].toSorted(), ['400', 'closed', ...all].toSorted());
  });

  test('rules, operators and applications are told of the same ends', { timeout: 60_000 }, async () => {
    const outcomes = new Set<string>();
    for (const header of [
      'PROXY TCP4 192.0.2.7 10.1.0.1 7 81\r\n',
      'PROXY TCP6 2001:db8::1 ::9 7 81\r\n',
      'PROXY UNKNOWN\r\n',
    ]) {
      for (const { name } of TELLING as readonly { readonly name: string }[]) {
        const [theirs, ours] = await Promise.all([envoy, weft].map((proxy) => answerTo(proxy, name, header, false)));
        assert.equal(ours, theirs, `${name}: ${header}`);
        outcomes.add(theirs as string);
      }
      const [theirs, ours] = await Promise.all([envoy, weft].map((proxy) => answerTo(proxy, 'over TLS', header, true)));
      assert.equal(ours, theirs, `over TLS: ${header}`);
      outcomes.add(theirs as string);
    }
    assert.ok(outcomes.has('192.0.2.7 10.1.0.1 127.0.0.1 127.0.0.1 7 81; 192.0.2.7'), [...outcomes].join('\n'));
    assert.ok(outcomes.has('closed'));
  });

  test('HAProxy and curl are understood', { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'weft-haproxy-'));
    const port = weft.ports.get('strict') as number;
    const [first, second] = [await freePort(), await freePort()];
    const config = join(folder, 'haproxy.cfg');
    const frontend = (name: string, at: number, how: string) => `
frontend ${name}
  bind ${HERE}:${at}
  http-request set-src str(192.0.2.8) if { path /other }
  default_backend ${name}
backend ${name}
  server weft ${HERE}:${port} ${how}
`;
    writeFileSync(
      config,
      `defaults
  mode http
  timeout connect 2s
  timeout client 5s
  timeout server 5s
${frontend('first', first, 'send-proxy')}${frontend('second', second, 'send-proxy-v2 proxy-v2-options unique-id,crc32c')}`,
    );
    const haproxy = new Child(program('haproxy'), ['-db', '-f', config]);
    try {
      const ask = async (at: number, path: string) => (await fetch(`http://${HERE}:${at}${path}`)).text();
      for (const at of [first, second]) {
        assert.equal(await until('HAProxy serves', 10_000, () => ask(at, '/').catch(() => null)), 'from here');
        assert.equal(await ask(at, '/other'), 'from 192.0.2.0/24');
      }
    } finally {
      await haproxy.stop(2_000);
      rmSync(folder, { recursive: true, force: true });
    }
    const { stdout } = await run('curl', ['-sS', '--max-time', '5', '--haproxy-protocol', `http://${HERE}:${port}/`]);
    assert.equal(stdout, 'from here');
  });

  test('what a header may not say in a configuration is refused by its field', { timeout: 30_000 }, async () => {
    const refused: readonly (readonly [object, RegExp])[] = [
      [{ disallowed_versions: ['V1', 'V2'] }, /listener_filters\[0\]\.typed_config: disallowed_versions/],
      [{ rules: [{ tlv_type: 4, on_tlv_present: { key: 'a' } }] }, /listener_filters\[0\]\.typed_config: rules/],
    ];
    for (const [filter, path] of refused) {
      const listener = { ...(LISTENERS[0] as Json), listener_filters: [proxyProtocol(filter)] };
      await assert.rejects(startWeftProxy({ ...bootstrap, static_resources: { listeners: [listener] } }), path);
    }
  });
});

/** What the response tells, then what the application was told; ports of this connection's own are left out. */
function answerTo(proxy: RunningEnvoy, name: string, header: string, isSecure: boolean): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const plain = connect({ host: HERE, port: proxy.ports.get(name) as number });
    const finish = (socket: Socket): void => {
      socket.setTimeout(5_000, () => socket.destroy());
      socket.on('error', () => {});
      socket.on('data', (bytes: Buffer) => {
        text += bytes.toString('latin1');
      });
      socket.on('close', () => {
        const told = /x-told: ([^\r]*)/i.exec(text)?.[1] ?? 'closed';
        const forwarded = text
          .split('\r\n\r\n')[1]
          ?.replace(/^[0-9a-f]+\r\n/, '')
          .split('\r\n', 1)[0];
        // Of a client on its own host Envoy tells the application an address of this machine.
        if (header.includes('UNKNOWN')) resolve(told.replace(/ \d+ \d+$/, ''));
        else resolve(forwarded === undefined ? told : `${told}; ${forwarded}`);
      });
      socket.write(REQUEST);
    };
    plain.once('error', () => {});
    plain.once('connect', () => {
      plain.write(header, () => {
        if (!isSecure) return finish(plain);
        const secure = connectSecurely({ socket: plain, rejectUnauthorized: false, servername: 'server.example' });
        secure.once('secureConnect', () => finish(secure));
        secure.once('error', () => resolve('closed'));
      });
    });
  });
}
