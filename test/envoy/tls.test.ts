/**
 * TLS as operators set it: several certificates on one port, pins, revocation lists, versions, suites and curves, towards
 * clients and towards upstreams. Envoy and our own proxy show, take and refuse the same.
 */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { connect, type ConnectionOptions } from 'node:tls';
import { missing } from '../support/components.ts';
import { type Made, MadeAuthority } from './made-certificates.ts';
import { type RunningEnvoy, startEnvoy, startWeftProxy } from './running.ts';
import { type Json, namedChain, REQUEST, socketAddress, told } from './told.ts';

const P = 'type.googleapis.com/envoy.extensions.';
const HERE = '127.0.0.1';
const inline = (text: string) => ({ inline_string: text });
const shown = ({ cert, key }: Made) => ({ certificate_chain: inline(cert), private_key: inline(key) });

function tlsSocket(kind: 'Downstream' | 'Upstream', common: object, more: object = {}): Json {
  const context = { '@type': `${P}transport_sockets.tls.v3.${kind}TlsContext`, common_tls_context: common, ...more };
  return { transport_socket: { name: 'tls', typed_config: context } };
}

const RSA_ONLY = 'rsa_pss_rsae_sha256:rsa_pkcs1_sha256';

describe('TLS as operators set it', { skip: missing('envoy', 'openssl') }, () => {
  let authority: MadeAuthority;
  let envoy: RunningEnvoy;
  let weft: RunningEnvoy;
  const upstreams: Server[] = [];
  const made = new Map<string, Made>();
  const one = (name: string): Made => made.get(name) as Made;

  before(async () => {
    authority = new MadeAuthority();
    made.set('a by EC', authority.issue('ec', 'first', ['a.example']));
    made.set('a by RSA', authority.issue('rsa', 'second', ['a.example']));
    made.set('b by EC', authority.issue('ec', 'third', ['b.example', '*.w.example']));
    made.set('c by RSA', authority.issue('rsa', 'c.example'));
    for (const name of ['known', 'other', 'revoked']) made.set(name, authority.issue('ec', name, [`${name}.example`]));
    const crl = authority.revoke(one('revoked'));
    const roots = inline(authority.roots);
    const many = ['a by EC', 'a by RSA', 'b by EC', 'c by RSA'].map((name) => shown(one(name)));
    const servers = ['known', 'revoked'].map((name) =>
      createServer({ ...one(name), maxVersion: 'TLSv1.2' }, (_, response) => response.end(name)).listen(0, HERE),
    );
    upstreams.push(...servers);
    await Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve))));
    const ports = servers.map((server) => (server.address() as AddressInfo).port);

    const listener = (name: string, common: object, more: object = {}): Json => ({
      name,
      address: socketAddress(HERE),
      listener_filters: [
        { name: 'tls', typed_config: { '@type': `${P}filters.listener.tls_inspector.v3.TlsInspector` } },
      ],
      filter_chains: [
        namedChain(name, {}, tlsSocket('Downstream', { tls_certificates: [shown(one('a by EC'))], ...common }, more)),
      ],
    });
    const checking = (name: string, context: object) =>
      listener(name, { validation_context: { trusted_ca: roots, ...context } }, { require_client_certificate: true });
    const params = (name: string, tls_params: object) => listener(name, { tls_params });
    const clusterOf = (name: string, port: number, context: object, tls_params: object = {}): Json => ({
      name,
      type: 'STATIC',
      connect_timeout: '1s',
      load_assignment: {
        cluster_name: name,
        endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(HERE, port) } }] }],
      },
      ...tlsSocket('Upstream', { tls_params, validation_context: { trusted_ca: roots, ...context } }),
    });
    const [known = 0, revoked = 0] = ports;
    const pin = (name: string) => ({ verify_certificate_spki: [one(name).keyDigest] });
    const clusters = [
      clusterOf('pinned', known, pin('known')),
      clusterOf('pinned to another', known, pin('other')),
      clusterOf('revocable', known, { crl: inline(crl) }),
      clusterOf('revoked', revoked, { crl: inline(crl) }),
      clusterOf(
        'of 1.3',
        known,
        {},
        { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
      ),
      clusterOf('of one suite', known, {}, { cipher_suites: ['ECDHE-ECDSA-AES128-GCM-SHA256'] }),
      clusterOf('of another suite', known, {}, { cipher_suites: ['ECDHE-RSA-AES128-GCM-SHA256'] }),
    ];
    const to = (name: string): Json => ({
      name,
      address: socketAddress(HERE),
      filter_chains: [{ filters: [{ name: 'http', typed_config: forwarding(name) }] }],
    });
    const config = {
      node: { id: 'tls', cluster: 'tls' },
      static_resources: {
        listeners: [
          listener('many', { tls_certificates: many }),
          listener('many, scanned', { tls_certificates: many }, { full_scan_certs_on_sni_mismatch: true }),
          checking('by key', pin('known')),
          checking('by certificate', { verify_certificate_hash: [one('known').certificateDigest] }),
          checking('by either', { ...pin('other'), verify_certificate_hash: [one('known').certificateDigest] }),
          checking('revoking', { crl: inline(crl) }),
          params('1.2', { tls_maximum_protocol_version: 'TLSv1_2' }),
          params('1.3', { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' }),
          params('suites', { cipher_suites: ['ECDHE-ECDSA-AES256-GCM-SHA384', '[ECDHE-ECDSA-AES128-GCM-SHA256]'] }),
          params('P-384', { ecdh_curves: ['P-384'] }),
          params('P-521 first', { ecdh_curves: ['P-521', 'X25519'] }),
          ...clusters.map((cluster) => to(cluster['name'] as string)),
        ],
        clusters,
      },
    };
    envoy = await startEnvoy(config);
    weft = await startWeftProxy(config);
  });

  after(async () => {
    await Promise.all([envoy?.stop(), weft?.stop()]);
    for (const server of upstreams) server.close();
    authority?.remove();
  });

  /** What the client saw and got, as a text. */
  function seen(proxy: RunningEnvoy, name: string, options: ConnectionOptions = {}): Promise<string> {
    return new Promise((resolve) => {
      const own = { host: HERE, port: proxy.ports.get(name) as number, ca: authority.roots, ...options };
      const socket = connect({ ...own, checkServerIdentity: () => undefined });
      let text = '';
      socket.once('secureConnect', () => {
        const { fingerprint256 } = socket.getPeerCertificate();
        const [whose = ''] = [...made].find(([, { certificateDigest }]) => certificateDigest === fingerprint256) ?? [];
        const key = socket.getEphemeralKeyInfo() as { readonly name?: string };
        text = `${whose}, ${socket.getProtocol()}, ${options.ciphers === undefined ? '' : socket.getCipher().name}, ${options.ecdhCurve === undefined ? '' : key.name}`;
        socket.write(REQUEST);
      });
      socket.setTimeout(5_000, () => socket.destroy());
      socket.once('data', (bytes) => {
        text += `: ${bytes.toString('latin1').split('\r\n', 1)[0]}`;
        socket.destroy();
      });
      socket.on('error', () => {});
      socket.once('close', () => resolve(text.includes(': ') ? text : 'refused'));
    });
  }

  async function alike(name: string, options: ConnectionOptions): Promise<string> {
    const [theirs, ours] = [await seen(envoy, name, options), await seen(weft, name, options)];
    assert.equal(ours, theirs, `${name}, ${JSON.stringify({ ...options, cert: undefined, key: undefined })}`);
    return theirs;
  }

  test('a client gets the certificate of the name that it asks for, of a key that it can verify', async () => {
    const answers = new Set<string>();
    const names = ['', 'a.example', 'b.example', 'x.w.example', 'x.y.w.example', 'w.example', 'c.example', 'd'];
    for (const servername of names) {
      for (const sigalgs of [undefined, RSA_ONLY]) {
        for (const name of ['many', 'many, scanned']) {
          const asks = { ...(servername === '' ? {} : { servername }), ...(sigalgs === undefined ? {} : { sigalgs }) };
          answers.add((await alike(name, asks)).split(',', 1)[0] as string);
        }
      }
    }
    assert.deepEqual([...answers].toSorted(), ['a by EC', 'a by RSA', 'b by EC', 'c by RSA', 'refused']);
  });

  test('pins and revocation lists decide which verified clients are let in', async () => {
    const outcomes: string[] = [];
    for (const listener of ['by key', 'by certificate', 'by either', 'revoking']) {
      for (const client of ['known', 'other', 'revoked']) {
        const { cert, key } = one(client);
        outcomes.push(
          `${listener} ${client} ${(await alike(listener, { cert, key })) === 'refused' ? 'refused' : 'in'}`,
        );
      }
    }
    assert.deepEqual(
      outcomes.filter((each) => each.endsWith('in')),
      [
        'by key known in',
        'by certificate known in',
        'by either known in',
        'by either other in',
        'revoking known in',
        'revoking other in',
      ],
    );
  });

  test('versions, suites and curves are those that are set', async () => {
    for (const [name, options, expected] of [
      ['1.2', {}, /TLSv1\.2/],
      ['1.2', { minVersion: 'TLSv1.3' }, /refused/],
      ['1.3', {}, /TLSv1\.3/],
      ['1.3', { maxVersion: 'TLSv1.2' }, /refused/],
      ['suites', {}, /TLSv1\.3/],
      [
        'suites',
        { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384' },
        /AES256-GCM/,
      ],
      ['suites', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-CHACHA20-POLY1305' }, /refused/],
      ['P-384', { ecdhCurve: 'P-384:X25519' }, /secp384r1/],
      ['P-384', { ecdhCurve: 'X25519' }, /refused/],
      ['P-521 first', { ecdhCurve: 'P-384:P-521' }, /secp521r1/],
    ] as const) {
      assert.match(await alike(name, options), expected, `${name} ${JSON.stringify(options)}`);
    }
  });

  test('towards upstreams the same is asked of the server', async () => {
    for (const [name, expected] of [
      ['pinned', 'known'],
      ['pinned to another', '503'],
      ['revocable', 'known'],
      ['revoked', '503'],
      ['of 1.3', '503'],
      ['of one suite', 'known'],
      ['of another suite', '503'],
    ] as const) {
      for (const proxy of [envoy, weft]) {
        assert.equal(await told({ host: HERE, port: proxy.ports.get(name) as number }), expected, name);
      }
    }
  });
});

function forwarding(name: string): Json {
  return {
    '@type': `${P}filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: name,
    route_config: {
      name,
      virtual_hosts: [{ name, domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: name } }] }],
    },
    http_filters: [{ name: 'router', typed_config: { '@type': `${P}filters.http.router.v3.Router` } }],
  };
}
