import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PeerCertificate } from '../../core/runtime.ts';
import { pinFault } from './peer-pins.ts';

const PEER: PeerCertificate = {
  uris: [],
  dnsNames: [],
  commonName: '',
  notAfter: 0,
  serialNumber: '',
  extendedKeyUsages: [],
};
const shown = { subject: '', issuer: '', fingerprint256: 'c', notBefore: 0 };
const met = { ...PEER, keyDigest: 'k', shown };

test('one pin of either kind is enough, and a peer of which no digest is known has none', () => {
  assert.equal(pinFault(PEER, null), null);
  assert.equal(pinFault(met, { certificates: ['c'], keys: ['other'] }), null);
  assert.equal(pinFault(met, { certificates: ['other'], keys: ['k'] }), null);
  assert.match(pinFault(met, { certificates: ['k'], keys: ['c'] }) ?? '', /pinned/);
  assert.match(pinFault(PEER, { certificates: ['c'], keys: ['k'] }) ?? '', /pinned/);
  assert.match(pinFault(met, { certificates: [], keys: [] }) ?? '', /pinned/);
});
