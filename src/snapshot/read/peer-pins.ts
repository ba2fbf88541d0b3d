/** Digests of certificates and keys that a peer must have, besides a chain that leads to the roots. */
import type { CertificateValidationContext } from '../../xds/tables/messages.gen.ts';
import type { PeerPins } from '../snapshot.ts';
import { invalid } from './problem.ts';

/** SHA-256 in base64, padded. */
const KEY_DIGEST = /^[A-Za-z0-9+/]{43}=$/;
/** SHA-256 in hexadecimal, with or without colons. */
const CERTIFICATE_DIGEST = /^(?:[0-9a-f]{64}|[0-9a-f]{2}(?::[0-9a-f]{2}){31})$/i;

/** Null: none. A peer that has one of either kind is accepted, as in Envoy. */
export function readPins(where: string, message: CertificateValidationContext): PeerPins | null {
  const { verifyCertificateSpki, verifyCertificateHash } = message;
  if (verifyCertificateSpki.length + verifyCertificateHash.length === 0) return null;
  return {
    keys: verifyCertificateSpki.map((digest, i) => {
      const at = `${where}.verify_certificate_spki[${i}]`;
      if (!KEY_DIGEST.test(digest)) throw invalid(at, 'no SHA-256 in base64');
      return digest;
    }),
    certificates: verifyCertificateHash.map((digest, i) => {
      const at = `${where}.verify_certificate_hash[${i}]`;
      if (!CERTIFICATE_DIGEST.test(digest)) throw invalid(at, 'no SHA-256 in hexadecimal');
      return digest.replaceAll(':', '').toLowerCase();
    }),
  };
}
