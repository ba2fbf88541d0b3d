/** What stands beside a program that speaks xDS itself: its files, on a real file system, and what they hold. */
import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { validateBootstrapConfig } from '@grpc/grpc-js-xds/build/src/xds-bootstrap.js';
import { silentLog } from '../../core/log.ts';
import { TimerWheel } from '../../core/timer-wheel.ts';
import type { Svid } from '../../identity/svid.ts';
import { createNodeRuntime } from '../../runtime/node/runtime.ts';
import { serveRpc } from '../../xds/rpc/rpc-server.ts';
import { SvidHolder } from '../svid-holder.ts';
import { createTestCa } from '../testing/test-ca.ts';
import { processKeyMaker } from '../../identity/key-maker.ts';
import { writeCsr } from '../../identity/csr.ts';
import { assembleSvid } from '../../identity/certificate.ts';
import { startProxyless } from './proxyless.ts';

const ID = 'spiffe://weft.local/ns/shop/sa/web';
const runtime = createNodeRuntime();
const state = mkdtempSync(join(tmpdir(), 'weft-proxyless-'));
let ca: Awaited<ReturnType<typeof createTestCa>>;

before(async () => {
  ca = await createTestCa();
});
after(() => rmSync(state, { recursive: true, force: true }));

async function newSvid(): Promise<Svid> {
  const key = processKeyMaker.make();
  const issued = await ca.certify(writeCsr(key, { commonName: 'shop/web-1', uri: ID }), 'web', 'web-1');
  return assembleSvid(ID, key, issued.certificateChainPem, ca.rootPem);
}

async function started(name: string, isPrivate: boolean) {
  const svid = new SvidHolder();
  svid.set(await newSvid());
  const directory = join(state, name);
  const parts = { ...runtime, timers: new TimerWheel(runtime.clock) };
  const sidecar = await startProxyless({
    node: { id: 'shop/web-1', cluster: 'web', metadata: { kind: 'grpc' } },
    xds: { host: '127.0.0.1', port: 9 },
    svid,
    trustBundlePem: () => ca.rootPem,
    admin: { host: '127.0.0.1', port: 0 },
    statePath: join(directory, 'unused'),
    egressProxy: null,
    locality: { region: 'r1', zone: 'a', subZone: '' },
    ...{
      clock: runtime.clock,
      random: runtime.random,
      rpc: runtime.rpc,
      files: runtime.files,
      log: silentLog,
      directory,
    },
    socketPath: isPrivate ? join(directory, 'xds.sock') : null,
    serve: (at, accept) => serveRpc(parts, silentLog, at, accept),
  });
  const bootstrapPath = sidecar.environment?.['GRPC_XDS_BOOTSTRAP'] ?? '';
  const bootstrap = JSON.parse(readFileSync(bootstrapPath, 'utf8')) as object;
  return { svid, directory, sidecar, bootstrap: validateBootstrapConfig(bootstrap) };
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const start = performance.now();
  while (!holds()) {
    assert.ok(performance.now() - start < 10_000, `not within 10 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('a library finds the relay, who it is, and its certificates; nobody else can read them', async () => {
  const { directory, sidecar, bootstrap } = await started('private', true);
  assert.equal(bootstrap.xdsServers[0]?.server_uri, `unix:${join(directory, 'xds.sock')}`);
  assert.deepEqual([bootstrap.node.id, bootstrap.node.locality?.zone], ['shop/web-1', 'a']);
  assert.equal(bootstrap.serverListenerResourceNameTemplate, 'weft/server/%s');
  assert.deepEqual(Object.keys(bootstrap.certificateProviders), ['weft']);
  assert.equal(statSync(directory).mode & 0o777, 0o700);
  for (const name of readdirSync(directory)) assert.equal(statSync(join(directory, name)).mode & 0o777, 0o600, name);
  await sidecar.close();
});

test('each renewal replaces the certificate with its key, and the end takes both away', async () => {
  const { svid, directory, sidecar } = await started('renewed', true);
  const path = join(directory, 'identity.pem');
  const serials = new Set<string>();
  for (let renewals = 0; renewals < 5; renewals++) {
    const next = await newSvid();
    svid.set(next);
    const { serialNumber } = new X509Certificate(next.certificateChainPem);
    await until('written', () => {
      const text = readFileSync(path);
      // However early it is read, the key is the certificate's.
      const certificate = new X509Certificate(text);
      assert.ok(certificate.checkPrivateKey(createPrivateKey(text)));
      return certificate.serialNumber === serialNumber;
    });
    serials.add(serialNumber);
  }
  assert.equal(serials.size, 5);
  await sidecar.close();
  svid.set(await newSvid());
  assert.deepEqual(readdirSync(directory), []);
});

test('on loopback it is found by its port, and no socket is left', async () => {
  const { directory, sidecar, bootstrap } = await started('loopback', false);
  assert.match(bootstrap.xdsServers[0]?.server_uri ?? '', /^127\.0\.0\.1:[1-9]/);
  assert.ok(!existsSync(join(directory, 'xds.sock')));
  await sidecar.close();
});
