/** Who may speak to whom: every wrong certificate is refused, counted and named, and the application sees no byte of it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createServer, type Server } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  anonymous,
  type Authority,
  createAuthority,
  loadAuthority,
  SERVER_AUTH,
} from '../../src/runtime/test/certificates.ts';
import { until } from '../support/child.ts';
import { LiveMesh } from '../support/live-mesh.ts';
import { failureText, Load, summary } from './load.ts';
import { apply, loadOn, type Member, startClient, startInstance } from './shop.ts';
import { askAsStranger, type StrangerTls } from './stranger.ts';

const CATALOG = 'catalog.default.mesh.weft.local';
const CLIENT_ID = 'spiffe://weft.local/ns/default/sa/client';
const HOUR_MS = 3_600_000;

describe('identity', () => {
  const mesh = new LiveMesh();
  let catalog: Member;
  let client: Member;
  let meshCa: Authority;
  let foreignCa: Authority;
  let root = '';

  before(async () => {
    await mesh.start();
    catalog = await startInstance(mesh, 'catalog-1');
    client = await startClient(mesh, ['catalog']);
    root = mesh.admin.caPem;
    const ca = (name: string) => readFileSync(join(mesh.stateDir, 'ca', name), 'utf8');
    meshCa = await loadAuthority(ca('issuing.crt'), ca('issuing.key'));
    foreignCa = await createAuthority('foreign');
  });
  after(() => mesh.close());

  const mine = async (): Promise<StrangerTls> => ({
    identity: await meshCa.issue({ uris: [CLIENT_ID] }, root),
    alpn: ['http/1.1'],
    serverName: CATALOG,
  });

  test('a good certificate is served: what refuses the others is what is wrong with them', async () => {
    assert.match(await askAsStranger(catalog.inbound, await mine()), /^HTTP\/1\.1 200 [^]*catalog-1/);
  });

  const refusals: readonly [string, string, RegExp, () => Promise<StrangerTls | null>][] = [
    [
      'of another trust domain',
      'tls_foreign_trust_domain',
      /trust domain other\.example, expected weft\.local/,
      async () => ({
        ...(await mine()),
        identity: await meshCa.issue({ uris: ['spiffe://other.example/ns/default/sa/client'] }, root),
      }),
    ],
    [
      'of another trust domain and its CA',
      'tls_untrusted',
      /unknown authority/,
      async () => ({
        ...(await mine()),
        identity: await foreignCa.issue({ uris: ['spiffe://other.example/ns/default/sa/client'] }, root),
      }),
    ],
    [
      'of a foreign CA with the right SPIFFE id',
      'tls_untrusted',
      /unknown authority/,
      async () => ({ ...(await mine()), identity: await foreignCa.issue({ uris: [CLIENT_ID] }, root) }),
    ],
    [
      'that has expired',
      'tls_expired',
      /has expired/,
      async () => ({
        ...(await mine()),
        identity: await meshCa.issue({ uris: [CLIENT_ID], notBeforeMs: -2 * HOUR_MS, notAfterMs: -1_000 }, root),
      }),
    ],
    [
      'for servers only',
      'tls_wrong_usage',
      /not for (this use|a TLS client)/,
      async () => ({
        ...(await mine()),
        identity: await meshCa.issue({ uris: [CLIENT_ID], usages: [SERVER_AUTH] }, root),
      }),
    ],
    [
      'without a SPIFFE id',
      'tls_not_spiffe',
      /no URI SAN/,
      async () => ({ ...(await mine()), identity: await meshCa.issue({ dnsNames: ['client'] }, root) }),
    ],
    [
      'with two SPIFFE ids',
      'tls_not_spiffe',
      /2 URI SANs/,
      async () => ({ ...(await mine()), identity: await meshCa.issue({ uris: [CLIENT_ID, `${CLIENT_ID}2`] }, root) }),
    ],
    [
      'that does not exist',
      'tls_no_certificate',
      /sent no certificate/,
      async () => ({ ...(await mine()), identity: anonymous(root) }),
    ],
    [
      'with a foreign ALPN',
      'no_filter_chain_match',
      /foreign ALPN h3/,
      async () => ({ ...(await mine()), alpn: ['h3'] }),
    ],
    [
      'for a server name outside of the mesh',
      'no_filter_chain_match',
      /server name catalog\.example is unknown/,
      async () => ({ ...(await mine()), serverName: 'catalog.example' }),
    ],
    ['with no TLS at all', 'no_filter_chain_match', /plaintext|clear text/i, async () => null],
  ];
  for (const [name, reason, why, stranger] of refusals) {
    test(`a client certificate ${name} is refused, counted as ${reason}, and named`, async () => {
      const counted = () => catalog.count('weft_connections_refused_total', { reason });
      const [before, log] = [await counted(), catalog.child.stderr.length];
      assert.equal(await askAsStranger(catalog.inbound, await stranger()), '');
      await until('the refusal is counted', 3_000, async () => (await counted()) === before + 1);
      const said = () =>
        catalog.child.stderr
          .slice(log)
          .split('\n')
          .filter((line) => line.includes('"message":"connection refused"'));
      const named = () => said().some((line) => why.test(line) && line.includes(reason));
      // One line a second for each reason: the case before may have had it.
      await until(`the refusal is named: ${why}`, 5_000, async () => {
        if (named()) return true;
        await sleep(500);
        await askAsStranger(catalog.inbound, await stranger());
        return named();
      });
    });
  }

  test('the application has seen no byte of all that', () => {
    const seen = catalog.child.stdout.match(/^bytes .*$/gm) ?? [];
    assert.ok(seen.length > 0);
    assert.equal(seen.filter((line) => line.includes('/stranger')).length, 1, 'the one that was good');
  });

  test('an impostor behind the service, with the right CA and another id, is refused by the caller, counted and named', async () => {
    const impostor = await meshCa.issue({ uris: ['spiffe://weft.local/ns/default/sa/impostor'] }, root);
    let heard = 0;
    const { server, port } = await listen(impostor.certificateChainPem, impostor.privateKeyPem, () => heard++);
    try {
      await apply(
        mesh,
        {
          apiVersion: 'weft.mesh/v1',
          kind: 'Workload',
          metadata: { name: 'impostor', namespace: 'default', labels: { app: 'stock' } },
          spec: {
            service: 'stock',
            account: 'stock',
            address: '127.0.0.1',
            ports: [{ port: 9000, proxyPort: port, protocol: 'http' }],
          },
        },
        {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: 'stock', namespace: 'default' },
          spec: { selector: { app: 'stock' }, ports: [{ port: 80, targetPort: 9000, appProtocol: 'http' }] },
        },
      );
      const caller = await startClient(mesh, ['stock'], 'caller');
      const { host, port: vipPort } = caller.vip('stock');
      const response = await fetch(`http://${host}:${vipPort}/`, { headers: { host: 'stock' } });
      const text = await response.text();
      assert.equal(response.status, 503);
      assert.match(
        text,
        /peer is spiffe:\/\/weft\.local\/ns\/default\/sa\/impostor, expected spiffe:\/\/weft\.local\/ns\/default\/sa\/stock/,
      );
      assert.ok((await caller.count('upstream_peer_id_refused')) > 0);
      assert.match(caller.child.stderr, /peer is spiffe:\/\/weft\.local\/ns\/default\/sa\/impostor/);
      assert.equal(heard, 0, 'not a byte of the request');
    } finally {
      server.close();
    }
  });

  test('PeerAuthentication opens and closes a port live, by workload and by port; no caller of the mesh notices while mTLS stays', async (t) => {
    const load = new Load({ ...loadOn(client), perSecond: 100 });
    const plain = async () => (await askAsStranger(catalog.inbound, null)).slice(0, 12);
    const secure = async () => (await askAsStranger(catalog.inbound, await mine())).slice(0, 12);
    const policy = (spec: object) => ({
      apiVersion: 'weft.mesh/v1',
      kind: 'PeerAuthentication',
      metadata: { name: 'catalog', namespace: 'default' },
      spec: { targetRefs: [{ group: 'weft.mesh', kind: 'Workload', name: 'catalog-1' }], ...spec },
    });
    const [served, refused] = ['HTTP/1.1 200', ''];
    const port = catalog.record.spec?.ports?.[0]?.port ?? 0;
    const steps: readonly [string, object, string, string][] = [
      ['permissive', { mtls: { mode: 'permissive' } }, served, served],
      ['strict again', { mtls: { mode: 'strict' } }, refused, served],
      [
        'permissive on the port',
        { mtls: { mode: 'strict' }, portLevelMtls: { [port]: { mode: 'permissive' } } },
        served,
        served,
      ],
      [
        'strict on the port',
        { mtls: { mode: 'permissive' }, portLevelMtls: { [port]: { mode: 'strict' } } },
        refused,
        served,
      ],
    ];
    const take = async ([name, spec, fromOutside, fromMesh]: (typeof steps)[number]): Promise<void> => {
      await apply(mesh, policy(spec));
      await until(`${name}: plaintext gets "${fromOutside}"`, 5_000, async () => (await plain()) === fromOutside);
      await until(`${name}: mTLS gets "${fromMesh}"`, 5_000, async () => (await secure()) === fromMesh);
    };
    for (const step of steps) {
      await take(step);
      await sleep(300);
    }
    const report = await load.stop();
    t.diagnostic(summary(report));
    assert.equal(failureText(report), '');
    await take(['disabled', { mtls: { mode: 'disabled' } }, served, refused]);
    await take(['strict at the end', { mtls: { mode: 'strict' } }, refused, served]);
  });
});

function listen(cert: string, key: string, onBytes: () => void): Promise<{ server: Server; port: number }> {
  const server = createServer({ cert, key, ALPNProtocols: ['weft-http1', 'http/1.1'] }, (socket) => {
    socket.on('error', () => {});
    socket.on('data', onBytes);
  });
  server.on('tlsClientError', () => {});
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve({ server, port: typeof address === 'object' && address !== null ? address.port : 0 });
    });
  });
}
