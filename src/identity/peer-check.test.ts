import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PeerCertificate } from '../core/runtime.ts';
import { type PeerExpectation, verifySpiffePeer } from './peer-check.ts';

const CLIENT = '1.3.6.1.5.5.7.3.2';
const SERVER = '1.3.6.1.5.5.7.3.1';
const ID = 'spiffe://weft.local/ns/shop/sa/catalog';
const NOW = 1_000_000;

const good = {
  uris: [ID],
  dnsNames: [],
  notAfter: NOW + 1,
  serialNumber: '01',
  commonName: 'shop/web-1',
  extendedKeyUsages: [SERVER, CLIENT],
} satisfies PeerCertificate;
const expected: PeerExpectation = { trustDomain: 'weft.local', role: 'server', ids: [ID] };

function reason(peer: Partial<PeerCertificate>, by: Partial<PeerExpectation> = {}): string | null {
  return verifySpiffePeer({ ...good, ...peer }, { ...expected, ...by }, NOW);
}

describe('peer check', () => {
  it('accepts the expected workload in either role', () => {
    assert.equal(reason({}), null);
    assert.equal(reason({}, { role: 'client' }), null);
    assert.equal(reason({}, { ids: null }), null);
  });

  it('accepts a certificate without the usage extension', () => {
    assert.equal(reason({ extendedKeyUsages: [] }), null);
  });

  const refused: [string, Partial<PeerCertificate>, Partial<PeerExpectation>, RegExp][] = [
    ['no URI', { uris: [] }, {}, /no URI SAN/],
    ['two URIs', { uris: [ID, ID] }, {}, /2 URI SANs/],
    ['a URI that is no SPIFFE id', { uris: ['https://weft.local/'] }, {}, /not a SPIFFE id/],
    ['an id of the trust domain itself', { uris: ['spiffe://weft.local'] }, { ids: null }, /no workload/],
    ['another trust domain', { uris: ['spiffe://evil.local/ns/shop/sa/catalog'] }, {}, /trust domain evil\.local/],
    ['another workload', { uris: ['spiffe://weft.local/ns/shop/sa/cart'] }, {}, /expected spiffe/],
    ['an id that only begins like the expected', { uris: [`${ID}2`] }, {}, /expected spiffe/],
    ['everybody, when nobody is expected', {}, { ids: [] }, /expected nobody/],
    [
      'a server-only certificate as client',
      { extendedKeyUsages: [SERVER] },
      { role: 'client' },
      /not for a TLS client/,
    ],
    ['a client-only certificate as server', { extendedKeyUsages: [CLIENT] }, {}, /not for a TLS server/],
    ['an expired certificate', { notAfter: NOW }, {}, /expired/],
  ];
  for (const [name, peer, by, text] of refused) {
    it(`refuses ${name} and says so`, () => assert.match(reason(peer, by) ?? 'accepted', text));
  }
});
