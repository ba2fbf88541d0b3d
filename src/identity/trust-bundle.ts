/** The roots that a mesh accepts, as PEM, and the hash that a join token pins. */
import { createHash, X509Certificate } from 'node:crypto';
import { messageOf, WeftError } from '../core/errors.ts';
import { decodePem, encodePem } from './pem.ts';
import { readSpiffeId } from './spiffe-id.ts';

export interface TrustBundle {
  /** Normalised: one block a root, without text between them. */
  readonly pem: string;
  readonly roots: readonly X509Certificate[];
  /** Hash of each root, in the same order. */
  readonly hashes: readonly string[];
}

/** Throws `invalid` when there is no certificate or one cannot be read or is not a CA's. */
export function parseTrustBundle(pem: string): TrustBundle {
  const ders = decodePem('CERTIFICATE', pem);
  if (ders.length === 0) throw new WeftError('invalid', { what: 'trust bundle has no certificate' });
  const roots = ders.map((der, index) => readRoot(der, index));
  return {
    pem: ders.map((der) => encodePem('CERTIFICATE', der)).join(''),
    roots,
    hashes: ders.map((der) => caHash(der)),
  };
}

/** `sha256:<hex>` of a certificate's DER. */
export function caHash(der: Uint8Array): string {
  return `sha256:${createHash('sha256').update(der).digest('hex')}`;
}

/** The trust domain that a root names (X509-SVID 3.1). Throws `invalid` for a root that names none. */
export function trustDomainOf(bundle: TrustBundle): string {
  const uri = /^URI:(spiffe:\/\/[^,]*)$/.exec(bundle.roots[0]?.subjectAltName ?? '')?.[1];
  const id = uri === undefined ? 'it has no SPIFFE id' : readSpiffeId(uri);
  if (typeof id !== 'string' && id.path === '') return id.trustDomain;
  throw new WeftError('invalid', { what: 'the root certificate names no trust domain', where: bundle.hashes[0] ?? '' });
}

function readRoot(der: Uint8Array, index: number): X509Certificate {
  try {
    const root = new X509Certificate(der);
    if (root.ca) return root;
  } catch (cause) {
    throw new WeftError('invalid', {
      what: `trust bundle cannot be read: ${messageOf(cause)}`,
      where: `certificate ${index + 1}`,
    });
  }
  throw new WeftError('invalid', {
    what: 'trust bundle has a certificate that is not a CA',
    where: `certificate ${index + 1}`,
  });
}
