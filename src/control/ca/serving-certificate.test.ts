import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, describe, it } from 'node:test';
import { createHttpsTransport } from '../../client/https-transport.ts';
import { fetchPinnedRoot } from '../../client/pinned-root.ts';
import { RecordingLog, silentLog } from '../../core/log.ts';
import type { Clock, TlsIdentity } from '../../core/runtime.ts';
import { processKeyMaker } from '../../identity/key-maker.ts';
import { workloadId } from '../../identity/spiffe-id.ts';
import { createNodeRuntime } from '../../runtime/node/runtime.ts';
import { type Authority, openAuthority } from './authority.ts';
import { ServingCertificate } from './serving-certificate.ts';

const real = createNodeRuntime();
const disk = new Map<string, Uint8Array>();
const files = {
  ...real.files,
  read: async (path: string) => disk.get(path) ?? real.files.read('/no/such/file'),
  write: async (path: string, bytes: Uint8Array) => void disk.set(path, bytes.slice()),
};
const authority = await openAuthority({
  runtime: { ...real, files },
  log: silentLog,
  keyMaker: processKeyMaker,
  stateDir: '/state',
  trustDomain: 'weft.local',
});

/** The wall of a real clock, and alarms that the test rings. */
class RungClock implements Clock {
  aheadMs = 0;
  alarms: (() => void)[] = [];
  now = (): number => real.clock.now() + this.aheadMs;
  wall = (): number => real.clock.wall() + this.aheadMs;

  wake(_: number, run: () => void): () => void {
    this.alarms.push(run);
    return () => {
      this.alarms = this.alarms.filter((other) => other !== run);
    };
  }

  /** Rings, nap by nap, until something is there. */
  async ringUntil(done: () => boolean): Promise<void> {
    while (!done()) {
      for (const run of this.alarms.splice(0)) run();
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}

function bench(by: Authority = authority) {
  const clock = new RungClock();
  const log = new RecordingLog();
  const changed: TlsIdentity[] = [];
  const onChange = (identity: TlsIdentity): void => void changed.push(identity);
  const certificate = new ServingCertificate({
    authority: by,
    keyMaker: processKeyMaker,
    clock,
    log,
    hosts: ['mesh.example', '192.0.2.7'],
    onChange,
  });
  after(() => certificate.close());
  return { clock, log, changed, certificate };
}

function serve(identity: TlsIdentity) {
  const { certificateChainPem: cert, privateKeyPem: key, trustBundlePem: ca } = identity;
  const server = createServer({ cert, key, ca, requestCert: true, rejectUnauthorized: false }, (request, response) => {
    const isBundle = request.url === '/apis/identity.weft.mesh/v1/trust-bundle';
    response.end(JSON.stringify(isBundle ? { trustBundlePem: authority.trustBundlePem } : { path: request.url }));
  });
  after(() => server.close());
  return new Promise<string>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`https://127.0.0.1:${(server.address() as AddressInfo).port}`));
  });
}

const get = { method: 'GET', path: '/version', headers: {}, body: null, timeoutMs: 5_000 };

describe("the control plane's own certificate", () => {
  it('is accepted by the API client, by root and by hash', async () => {
    const server = await serve(await bench().certificate.start());
    assert.equal((await fetchPinnedRoot(server, authority.caHash)).trim(), authority.trustBundlePem.trim());
    await assert.rejects(fetchPinnedRoot(server, `sha256:${'0'.repeat(64)}`));
    const transport = createHttpsTransport({
      server,
      caPem: authority.trustBundlePem,
      credential: () => ({ kind: 'none' }),
    });
    assert.equal((await transport.request(get)).status, 200);
    transport.close();
  });

  it('has the names that kubectl and curl check', async () => {
    const { certificateChainPem } = await bench().certificate.start();
    const { X509Certificate } = await import('node:crypto');
    const leaf = new X509Certificate(certificateChainPem);
    for (const host of ['localhost', 'mesh.example']) assert.equal(leaf.checkHost(host), host);
    for (const ip of ['127.0.0.1', '::1', '192.0.2.7']) assert.notEqual(leaf.checkIP(ip), undefined, ip);
  });

  it("is not what a workload's certificate passes for", async () => {
    const key = processKeyMaker.make();
    const issued = await authority.issue({
      publicKeySpki: key.publicKeySpki,
      id: workloadId('weft.local', 'shop', 'catalog'),
      commonName: 'shop/catalog-1',
      ttlMs: 60_000,
      dnsNames: [],
      ipAddresses: [],
    });
    const { trustBundlePem } = authority;
    const server = await serve({ ...issued, privateKeyPem: key.privateKeyPem, trustBundlePem });
    const transport = createHttpsTransport({ server, caPem: trustBundlePem, credential: () => ({ kind: 'none' }) });
    await assert.rejects(transport.request(get), /not the control plane/);
    transport.close();
  });

  it('is renewed at half life, and not after close', async () => {
    const { clock, changed, certificate } = bench();
    const first = await certificate.start();
    let rings = 0;
    await clock.ringUntil(() => (rings += 1) > 5);
    assert.equal(changed.length, 0);
    clock.aheadMs = 12 * 3_600_000;
    await clock.ringUntil(() => changed.length > 0);
    assert.notEqual(changed[0]?.privateKeyPem, first.privateKeyPem);
    certificate.close();
    assert.deepEqual(clock.alarms, []);
  });

  it('stays, and its renewal is tried again, when the CA fails', async () => {
    let broken = false;
    const maintain = (): Promise<void> => (broken ? Promise.reject(new Error('disk is full')) : authority.maintain());
    const failing: Authority = {
      ...authority,
      caHash: authority.caHash,
      issue: (request) => authority.issue(request),
      maintain,
    };
    const { clock, log, changed, certificate } = bench(failing);
    await certificate.start();
    broken = true;
    clock.aheadMs = 12 * 3_600_000;
    await clock.ringUntil(() => log.lines.length > 0);
    assert.equal(log.lines[0]?.level, 'error');
    broken = false;
    clock.aheadMs += 60_000;
    await clock.ringUntil(() => changed.length > 0);
  });
});
