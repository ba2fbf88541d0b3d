import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPrivateKey, randomFillSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { missing } from '../../../test/support/components.ts';
import { isWeftError, WeftError } from '../../core/errors.ts';
import { silentLog } from '../../core/log.ts';
import type { Runtime } from '../../core/runtime.ts';
import { assembleSvid } from '../../identity/certificate.ts';
import { writeCsr } from '../../identity/csr.ts';
import { processKeyMaker } from '../../identity/key-maker.ts';
import { workloadId } from '../../identity/spiffe-id.ts';
import { halfLife } from '../../identity/svid.ts';
import { type Authority, openAuthority } from './authority.ts';
import { checkCsr } from './csr-check.ts';

const DAY_MS = 24 * 3_600_000;

/** A disk and a clock in memory; the CA uses nothing else of a runtime. */
function bench() {
  const disk = new Map<string, { bytes: Uint8Array; mode: number }>();
  const time = { wall: Date.parse('2026-11-21T12:00:00Z') };
  const runtime = {
    clock: { now: () => time.wall, wall: () => time.wall, wake: () => () => {} },
    random: { next: Math.random, fill: (bytes: Uint8Array) => void randomFillSync(bytes) },
    files: {
      read: async (path: string) => {
        const file = disk.get(path);
        if (file === undefined) throw new WeftError('file-not-found', { what: 'no such file', where: path });
        return file.bytes;
      },
      write: async (path: string, bytes: Uint8Array, mode: number) =>
        void disk.set(path, { bytes: bytes.slice(), mode }),
    },
  } as unknown as Runtime;
  const open = (trustDomain = 'weft.local'): Promise<Authority> =>
    openAuthority({ runtime, log: silentLog, keyMaker: processKeyMaker, stateDir: '/state', trustDomain });
  return { disk, time, open };
}

const id = workloadId('weft.local', 'shop', 'catalog');

async function issue(authority: Authority, ttlMs = DAY_MS, key = processKeyMaker.make()) {
  const request = { id, commonName: 'shop/catalog-1', ttlMs, dnsNames: [], ipAddresses: [] };
  const issued = await authority.issue({ publicKeySpki: key.publicKeySpki, ...request });
  return { key, issued, leaf: new X509Certificate(issued.certificateChainPem) };
}

describe('certificate authority', () => {
  it('is made at the first start, private, and is the same one afterwards', async () => {
    const { disk, open } = bench();
    const first = await open();
    assert.deepEqual([...disk.keys()].toSorted(), [
      '/state/ca/issuing.crt',
      '/state/ca/issuing.key',
      '/state/ca/root.crt',
      '/state/ca/root.key',
    ]);
    for (const file of disk.values()) assert.equal(file.mode, 0o600);
    const again = await open();
    assert.equal(again.caHash, first.caHash);
    const { issued } = await issue(first);
    const { issued: later } = await issue(again);
    assert.notEqual(issued.serialNumber, later.serialNumber);
  });

  it('issues certificates that openssl accepts for both roles', { skip: missing('openssl') }, async () => {
    const { time, open } = bench();
    time.wall = Date.now();
    const authority = await open();
    const { issued } = await issue(authority);
    const [leaf = '', issuing = ''] = issued.certificateChainPem.split(
      /(?<=-----END CERTIFICATE-----\n?)(?=-----BEGIN)/,
    );
    const folder = mkdtempSync(join(tmpdir(), 'weft-ca-'));
    try {
      writeFileSync(join(folder, 'root.pem'), authority.trustBundlePem);
      writeFileSync(join(folder, 'issuing.pem'), issuing);
      writeFileSync(join(folder, 'leaf.pem'), leaf);
      for (const purpose of ['sslclient', 'sslserver']) {
        const trust = ['-CAfile', 'root.pem', '-untrusted', 'issuing.pem', '-x509_strict', '-purpose', purpose];
        const run = spawnSync('openssl', ['verify', ...trust, 'leaf.pem'], { cwd: folder, encoding: 'utf8' });
        assert.equal(run.status, 0, run.stderr + run.stdout);
      }
      const text = spawnSync('openssl', ['x509', '-in', 'leaf.pem', '-noout', '-text'], {
        cwd: folder,
        encoding: 'utf8',
      }).stdout;
      assert.match(text, /CN ?= ?shop\/catalog-1/);
      assert.match(text, /X509v3 Basic Constraints: critical\s+CA:FALSE/);
      assert.match(text, /X509v3 Key Usage: critical\s+Digital Signature\n/);
      assert.match(text, /TLS Web Server Authentication, TLS Web Client Authentication/);
      assert.match(text, /X509v3 Subject Alternative Name:.*\s+URI:spiffe:\/\/weft\.local\/ns\/shop\/sa\/catalog\n/);
      assert.match(text, /X509v3 Authority Key Identifier/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('lets a workload check what it was given, and refuses what is not its own', async () => {
    const authority = await bench().open();
    const { key, issued } = await issue(authority);
    const svid = assembleSvid(id.text, key, issued.certificateChainPem, authority.trustBundlePem);
    assert.equal(svid.notAfter, issued.notAfter);
    const stranger = await bench().open();
    const other = workloadId('weft.local', 'shop', 'cart').text;
    assert.throws(() => assembleSvid(other, key, issued.certificateChainPem, authority.trustBundlePem), /names URI/);
    assert.throws(
      () => assembleSvid(id.text, processKeyMaker.make(), issued.certificateChainPem, authority.trustBundlePem),
      /another key/,
    );
    assert.throws(
      () => assembleSvid(id.text, key, issued.certificateChainPem, stranger.trustBundlePem),
      /no trusted root/,
    );
  });

  it('gives short and long lives their whole length from now, back-dated a little', async () => {
    const { time, open } = bench();
    const authority = await open();
    for (const [ttlMs, backMs] of [
      [60_000, 10_000],
      [DAY_MS, 30_000],
    ] as const) {
      const { key, issued } = await issue(authority, ttlMs);
      assert.equal(issued.notAfter, time.wall + ttlMs);
      assert.equal(issued.notBefore, time.wall - backMs);
      const svid = assembleSvid(id.text, key, issued.certificateChainPem, authority.trustBundlePem);
      assert.ok(halfLife(svid) - time.wall > ttlMs / 3, 'half of the life lies well ahead');
    }
  });

  it('renews its issuing certificate at half life, and what the old one signed stays trusted', async () => {
    const { disk, time, open } = bench();
    const authority = await open();
    const old = await issue(authority);
    const before = disk.get('/state/ca/issuing.crt');
    time.wall += 200 * DAY_MS;
    await authority.maintain();
    assert.notDeepEqual(disk.get('/state/ca/issuing.crt'), before);
    const { key, issued } = await issue(authority);
    assembleSvid(id.text, key, issued.certificateChainPem, authority.trustBundlePem);
    assembleSvid(id.text, old.key, old.issued.certificateChainPem, (await open()).trustBundlePem);
  });

  it('draws positive serial numbers of 128 bits', async () => {
    const authority = await bench().open();
    const serials = new Set<string>();
    for (let i = 0; i < 20; i += 1) serials.add((await issue(authority)).issued.serialNumber);
    assert.equal(serials.size, 20);
    for (const serial of serials) assert.match(serial, /^[4-7][0-9a-f]{31}$/);
  });
});

describe('certificate authority on a damaged disk', () => {
  const damage: Record<string, (disk: ReturnType<typeof bench>['disk']) => void> = {
    'a missing file': (disk) => void disk.delete('/state/ca/issuing.crt'),
    'an unreadable key': (disk) => void disk.set('/state/ca/root.key', { bytes: Buffer.from('x'), mode: 0o600 }),
    'an unreadable certificate': (disk) =>
      void disk.set('/state/ca/root.crt', { bytes: Buffer.from('x'), mode: 0o600 }),
    'keys that were swapped': (disk) => {
      const root = disk.get('/state/ca/root.key');
      const issuing = disk.get('/state/ca/issuing.key');
      assert.ok(root && issuing);
      disk.set('/state/ca/root.key', issuing).set('/state/ca/issuing.key', root);
    },
  };
  for (const [name, harm] of Object.entries(damage)) {
    it(`refuses to start with ${name}, and leaves everything as it is`, async () => {
      const { disk, open } = bench();
      await open();
      harm(disk);
      const left = new Map(disk);
      await assert.rejects(open(), (error) => isWeftError(error, 'invalid') && /the CA on disk/.test(error.what));
      assert.deepEqual(disk, left);
    });
  }

  it('refuses an issuing certificate by another root', async () => {
    const { disk, open } = bench();
    const foreign = bench();
    await open();
    await foreign.open();
    for (const name of ['issuing.key', 'issuing.crt']) {
      const file = foreign.disk.get(`/state/ca/${name}`);
      assert.ok(file);
      disk.set(`/state/ca/${name}`, file);
    }
    await assert.rejects(open(), /not signed by root/);
  });

  it('refuses another trust domain than it was made for', async () => {
    const { open } = bench();
    await open();
    await assert.rejects(open('other.local'), /root\.crt is for URI:spiffe:\/\/weft\.local/);
  });

  it('refuses an expired root, and a clock before its time', async () => {
    const { time, open } = bench();
    await open();
    time.wall += 3651 * DAY_MS;
    await assert.rejects(open(), /root\.crt expired/);
    time.wall -= 3653 * DAY_MS;
    await assert.rejects(open(), /clock of this machine/);
  });
});

describe('certification request check', () => {
  const names = { commonName: 'x', uri: 'spiffe://weft.local/ns/shop/sa/somebody-else' };

  it('takes the key and nothing else', async () => {
    const key = processKeyMaker.make();
    assert.deepEqual(await checkCsr(writeCsr(key, names)), key.publicKeySpki);
  });

  it('refuses a request whose signature is not by its key', async () => {
    const key = processKeyMaker.make();
    const forged = { ...processKeyMaker.make(), publicKeySpki: key.publicKeySpki };
    await assert.rejects(checkCsr(writeCsr(forged, names)), /signature is not by the key/);
  });

  it('refuses keys of another type', { skip: missing('openssl') }, async () => {
    for (const args of [['rsa:2048'], ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384'], ['ed25519']]) {
      const run = spawnSync('openssl', [
        'req',
        '-new',
        '-newkey',
        ...args,
        '-nodes',
        '-keyout',
        '/dev/null',
        '-subj',
        '/CN=x',
      ]);
      assert.equal(run.status, 0, run.stderr.toString());
      await assert.rejects(checkCsr(run.stdout.toString()), (error) => isWeftError(error, 'invalid'));
    }
  });

  it('refuses text that is none, two, or too long', async () => {
    const pem = writeCsr(processKeyMaker.make(), names);
    for (const text of ['', 'x', pem + pem, pem.padEnd(9000), pem.replace(/[A-Z]{6}/, 'AAAAAA')]) {
      await assert.rejects(checkCsr(text), (error) => isWeftError(error, 'invalid'));
    }
  });

  it('is not for private keys', async () => {
    const { privateKeyPem } = processKeyMaker.make();
    assert.equal(createPrivateKey(privateKeyPem).type, 'private');
    await assert.rejects(
      checkCsr(privateKeyPem),
      (error) => error instanceof Error && !error.message.includes(privateKeyPem),
    );
  });
});
