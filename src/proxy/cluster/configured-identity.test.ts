import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADS } from '../../xds/client/resource-source.ts';
import type { PeerIdMatch, Secret, TlsSettings } from '../../snapshot/snapshot.ts';
import { ConfiguredIdentity } from './configured-identity.ts';

const CLOCK = { now: () => 0, wall: () => 1_000, wake: () => () => {} };
const SETTINGS: TlsSettings = {
  certificate: { name: 'cert', source: ADS },
  validation: { name: 'roots', source: ADS },
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  extras: null,
};
const cert = (text: string): Secret => ({ name: 'cert', certificateChainPem: text, privateKeyPem: 'KEY' });
const roots: Secret = { name: 'roots', pem: 'ROOTS' };
const secrets = (...all: Secret[]) => new Map(all.map((secret) => [secret.name, secret]));

test('what is named and not there refuses handshakes, and so does a secret of the other kind', () => {
  const identity = new ConfiguredIdentity(CLOCK);
  assert.equal(identity.tls(SETTINGS), null);
  identity.setSecrets(secrets(cert('ONE')));
  assert.equal(identity.tls(SETTINGS), null);
  identity.setSecrets(secrets(cert('ONE'), { ...cert('TWO'), name: 'roots' }));
  assert.equal(identity.tls(SETTINGS), null);
});

test('a rotation reaches the next handshake; the rotation of another secret changes nothing', () => {
  const identity = new ConfiguredIdentity(CLOCK);
  const one = cert('ONE');
  identity.setSecrets(secrets(one, roots));
  const first = identity.tls(SETTINGS);
  assert.equal(first?.certificateChainPem, 'ONE');
  identity.setSecrets(secrets(one, roots, { name: 'other', pem: 'X' }));
  assert.equal(identity.tls(SETTINGS), first);
  identity.setSecrets(secrets(cert('TWO'), roots));
  assert.equal(identity.tls(SETTINGS)?.certificateChainPem, 'TWO');
});

test('of several certificates one that is missing refuses all, and each name has an object of its own', () => {
  const identity = new ConfiguredIdentity(CLOCK);
  const extras = { moreCertificates: [{ name: 'second', source: ADS }], scansAll: false, pins: null, algorithms: null };
  const settings: TlsSettings = { ...SETTINGS, extras };
  const one = cert('ONE');
  identity.setSecrets(secrets(one, roots));
  assert.equal(identity.tls(settings), null);
  const second: Secret = { name: 'second', certificateChainPem: 'TWO', privateKeyPem: 'KEY' };
  identity.setSecrets(secrets(one, second, roots));
  const first = identity.tls(settings, 'a');
  assert.equal(first?.certificateChainPem, 'ONE');
  assert.equal(identity.tls(settings, 'b'), first);
  identity.setSecrets(secrets(one, { ...second }, roots));
  assert.notEqual(identity.tls(settings, 'a'), first);
});

test('a peer has one of the names, a wildcard stands for one label, and an expired certificate is refused', () => {
  const identity = new ConfiguredIdentity(CLOCK);
  const peer = (dnsNames: string[], notAfter = 2_000) => ({
    ...{ uris: ['spiffe://td/a'], dnsNames, notAfter, commonName: '', serialNumber: '', extendedKeyUsages: [] },
  });
  const match = (san: 'uri' | 'dns', value: string): PeerIdMatch => ({ san, kind: 'exact', value, regex: null });
  const check = (names: string[], ...accepted: PeerIdMatch[]) => identity.check(peer(names), 'server', accepted);
  assert.equal(check(['a.example'], match('dns', 'a.example')), null);
  assert.equal(check(['*.example'], match('dns', 'a.example')), null);
  assert.match(check(['*.example'], match('dns', 'a.b.example')) ?? '', /expected a.b.example/);
  assert.match(check(['b.example'], match('dns', 'a.example')) ?? '', /peer is spiffe:\/\/td\/a, b.example/);
  assert.equal(check([], match('uri', 'spiffe://td/a')), null);
  assert.equal(check([]), null);
  assert.match(identity.check(peer([], 500), 'server', null) ?? '', /expired/);
});
