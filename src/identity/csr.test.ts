import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { describe, it } from 'node:test';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { writeCsr } from './csr.ts';
import { loadSigningKey, processKeyMaker } from './key-maker.ts';
import { decodePem, encodePem } from './pem.ts';

const names = { commonName: 'shop/catalog-7f9c', uri: 'spiffe://weft.local/ns/shop/sa/catalog' };
const openssl = spawnSync('openssl', ['version']).status === 0;

describe('certification request', () => {
  it('is accepted by openssl with its signature, name and URI', { skip: openssl ? false : 'no openssl' }, () => {
    const pem = writeCsr(processKeyMaker.make(), names);
    const run = spawnSync('openssl', ['req', '-verify', '-noout', '-text'], { input: pem, encoding: 'utf8' });
    assert.equal(run.status, 0, run.stderr);
    assert.match(run.stderr, /verify OK/);
    assert.match(run.stdout, /CN ?= ?shop\/catalog-7f9c/);
    assert.match(run.stdout, /URI:spiffe:\/\/weft\.local\/ns\/shop\/sa\/catalog/);
    assert.match(run.stdout, /NIST CURVE: P-256/);
  });

  it('is read and verified by an independent library', async () => {
    const key = processKeyMaker.make();
    const request = new x509.Pkcs10CertificateRequest(writeCsr(key, names));
    assert.equal(await request.verify(), true);
    assert.equal(request.subjectName.getField('CN')[0], names.commonName);
    assert.deepEqual(new Uint8Array(request.publicKey.rawData), key.publicKeySpki);
  });

  it('carries names that need DER lengths of two and three bytes', async () => {
    const long = { commonName: `${'n'.repeat(63)}/${'w'.repeat(63)}`, uri: `spiffe://weft.local/${'a'.repeat(900)}` };
    const request = new x509.Pkcs10CertificateRequest(writeCsr(processKeyMaker.make(), long));
    assert.equal(await request.verify(), true);
    const san = request.extensions.find((extension) => extension.type === '2.5.29.17');
    assert.ok(Buffer.from(san?.value ?? new ArrayBuffer(0)).includes(long.uri));
  });
});

describe('signing key', () => {
  it('is the same key after it was saved', () => {
    const key = processKeyMaker.make();
    const loaded = loadSigningKey(key.privateKeyPem);
    assert.deepEqual(loaded.publicKeySpki, key.publicKeySpki);
    assert.equal(createPublicKey(key.privateKeyPem).asymmetricKeyType, 'ec');
  });

  it('refuses what is no key without repeating it', () => {
    assert.throws(
      () => loadSigningKey('secret text'),
      (error) => error instanceof Error && !error.message.includes('secret text'),
    );
  });
});

describe('PEM', () => {
  it('gives back what was encoded, with text around it skipped', () => {
    const der = Uint8Array.from({ length: 200 }, (_, index) => index);
    const text = `# first\n${encodePem('X', der)}between\n${encodePem('Y', der)}${encodePem('X', der)}`;
    assert.deepEqual(decodePem('X', text), [der, der]);
  });

  it('refuses a block that does not end or is not base64', () => {
    assert.throws(() => decodePem('X', '-----BEGIN X-----\nAAAA\n'));
    assert.throws(() => decodePem('X', '-----BEGIN X-----\nA$AA\n-----END X-----\n'));
  });
});
