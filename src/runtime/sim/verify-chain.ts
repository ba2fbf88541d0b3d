/** What OpenSSL does with a chain, for simulated TLS: real certificates, checked against the simulated clock. */
import { X509Certificate } from 'node:crypto';
import type { PeerCertificate } from '../../core/runtime.ts';
import { readPeerCertificate } from '../peer-certificate.ts';
import { EXPIRED, NO_CERTIFICATE, NOT_YET_VALID, UNKNOWN_AUTHORITY, WRONG_USE } from '../tls-reason.ts';

export const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
export const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';

const MAX_DEPTH = 8;
const MAX_PARSED = 500;
const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Parsing and public-key operations cost more than the rest of a simulated handshake together. */
const parsed = new Map<string, readonly X509Certificate[]>();
const issuedBy = new Map<string, boolean>();

export interface VerifiedPeer {
  readonly peer: PeerCertificate | null;
  /** Null when the chain is good. */
  readonly refusal: string | null;
}

export function verifyChain(chainPem: string, trustBundlePem: string, usage: string, wallMs: number): VerifiedPeer {
  const [leaf, ...intermediates] = certificatesOf(chainPem);
  if (leaf === undefined) return { peer: null, refusal: NO_CERTIFICATE };
  const peer = readPeerCertificate(leaf);
  if (peer.extendedKeyUsages.length > 0 && !peer.extendedKeyUsages.includes(usage)) return { peer, refusal: WRONG_USE };
  const roots = certificatesOf(trustBundlePem);
  let current = leaf;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    if (wallMs > current.validToDate.getTime()) return { peer, refusal: EXPIRED };
    if (wallMs < current.validFromDate.getTime()) return { peer, refusal: NOT_YET_VALID };
    if (roots.some((root) => isIssuedBy(current, root))) return { peer, refusal: null };
    const issuer = intermediates.find(
      (candidate) => candidate !== current && candidate.ca && isIssuedBy(current, candidate),
    );
    if (issuer === undefined) break;
    current = issuer;
  }
  return { peer, refusal: UNKNOWN_AUTHORITY };
}

export function certificatesOf(pem: string): readonly X509Certificate[] {
  let certificates = parsed.get(pem);
  if (certificates === undefined) {
    certificates = (pem.match(PEM) ?? []).map((text) => new X509Certificate(text));
    if (parsed.size >= MAX_PARSED) parsed.clear();
    parsed.set(pem, certificates);
  }
  return certificates;
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  const key = `${certificate.fingerprint256} ${issuer.fingerprint256}`;
  let issued = issuedBy.get(key);
  if (issued === undefined) {
    issued = certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
    if (issuedBy.size >= MAX_PARSED) issuedBy.clear();
    issuedBy.set(key, issued);
  }
  return issued;
}
