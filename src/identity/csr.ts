/**
 * PKCS#10 certification requests (RFC 2986), written by the workload that owns the key. The CA decides the names of
 * the certificate by the token; those in the request only say what was meant.
 */
import {
  derBitString,
  derContext,
  derInteger,
  derOctetString,
  derOid,
  derSequence,
  derSet,
  derUtf8String,
} from './der.ts';
import type { SigningKey } from './key-maker.ts';
import { encodePem } from './pem.ts';

const OID = {
  commonName: '2.5.4.3',
  /** RFC 2985 5.4.2 */
  extensionRequest: '1.2.840.113549.1.9.14',
  subjectAltName: '2.5.29.17',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
};

export interface CsrNames {
  /** `<namespace>/<workload>`; X.520 allows 64 characters, which issuers do not hold to. */
  readonly commonName: string;
  /** The SPIFFE id, as the only URI SAN. */
  readonly uri: string;
}

/** A PEM block `CERTIFICATE REQUEST`. */
export function writeCsr(key: SigningKey, names: CsrNames): string {
  const subject = derSequence(derSet(derSequence(derOid(OID.commonName), derUtf8String(names.commonName))));
  // GeneralName uniformResourceIdentifier [6] IA5String (RFC 5280 4.2.1.6)
  const generalNames = derSequence(derContext(6, false, Buffer.from(names.uri, 'latin1')));
  const extensions = derSequence(derSequence(derOid(OID.subjectAltName), derOctetString(generalNames)));
  const attributes = derContext(0, true, derSequence(derOid(OID.extensionRequest), derSet(extensions)));
  const info = derSequence(derInteger(0), subject, key.publicKeySpki, attributes);
  const algorithm = derSequence(derOid(OID.ecdsaWithSha256));
  return encodePem('CERTIFICATE REQUEST', derSequence(info, algorithm, derBitString(key.sign(info))));
}
