/** Secret → TrustBundle or CertificateSecret. In a mesh only roots come over xDS: a private key is refused, whoever sent it. */
import { hash } from 'node:crypto';
import { textOf } from '../../core/bytes.ts';
import type { CertificateValidationContext, DataSource, TlsCertificate } from '../../xds/tables/messages.gen.ts';
import { SecretTable } from '../../xds/tables/tables.gen.ts';
import type { CertificateSecret, Secret } from '../snapshot.ts';
import { decodeConfig } from './decode-config.ts';
import { invalid, refuseSet, unsupported } from './problem.ts';
import { MESH_TERMS, type Terms } from './terms.ts';

export function readSecret(bytes: Uint8Array, terms: Terms = MESH_TERMS): Secret {
  const message = decodeConfig(SecretTable, bytes);
  switch (message.type.case) {
    case 'validationContext':
      refuseSet('validation_context.match_typed_subject_alt_names', message.type.value.matchTypedSubjectAltNames);
      // Of a secret the roots count; what else a peer must be stands where the secret is named.
      refusePins('validation_context', message.type.value);
      return { name: message.name, ...readRoots('validation_context', message.type.value, terms) };
    case 'tlsCertificate':
      if (terms.tls === 'own') return { ...readCertificate('tls_certificate', message.type.value), name: message.name };
      throw unsupported(
        'tls_certificate',
        'keys do not travel: the certificate is bound by the agent of this workload',
      );
    case undefined:
      throw invalid('type', 'required');
  }
}

/** The name tells contents apart and gives nothing away. */
export function readCertificate(where: string, message: TlsCertificate): CertificateSecret {
  const certificateChainPem = readPem(`${where}.certificate_chain`, message.certificateChain);
  const privateKeyPem = readPem(`${where}.private_key`, message.privateKey);
  if (!certificateChainPem.includes(CERTIFICATE)) throw invalid(`${where}.certificate_chain`, 'no certificate in PEM');
  if (!privateKeyPem.includes('PRIVATE KEY-----')) throw invalid(`${where}.private_key`, 'no private key in PEM');
  const name = `inline:${hash('sha256', `${certificateChainPem}\n${privateKeyPem}`, 'base64url')}`;
  return { name, certificateChainPem, privateKeyPem };
}

const CERTIFICATE = '-----BEGIN CERTIFICATE-----';

export function readRoots(
  where: string,
  message: CertificateValidationContext,
  terms: Terms,
): { readonly pem: string; readonly crlPem?: string } {
  refuseChecks(where, message);
  const pem = readPem(`${where}.trusted_ca`, message.trustedCa);
  if (!pem.includes(CERTIFICATE)) throw invalid(`${where}.trusted_ca`, 'no certificate in PEM');
  if (message.crl === undefined) return { pem };
  if (terms.tls === 'mesh')
    throw unsupported(`${where}.crl`, 'certificates of a mesh are short-lived, none is revoked');
  const crlPem = readPem(`${where}.crl`, message.crl);
  if (!crlPem.includes('-----BEGIN X509 CRL-----')) throw invalid(`${where}.crl`, 'no revocation list in PEM');
  return { pem, crlPem };
}

/** Files that a bootstrap names were read by whoever read the bootstrap; a control plane does not choose what is read here. */
function readPem(where: string, source: DataSource | undefined): string {
  const specifier = source?.specifier;
  if (specifier?.case === 'inlineBytes') return textOf(specifier.value);
  if (specifier?.case === 'inlineString') return specifier.value;
  throw unsupported(where, 'it must be inline');
}

/** Checks of the peer that this proxy does not make. */
export function refuseChecks(where: string, message: CertificateValidationContext): void {
  refuseSet(`${where}.allow_expired_certificate`, message.allowExpiredCertificate);
  refuseSet(`${where}.match_subject_alt_names`, message.matchSubjectAltNames);
  refuseSet(`${where}.max_verify_depth`, message.maxVerifyDepth);
  refuseSet(`${where}.only_verify_leaf_cert_crl`, message.onlyVerifyLeafCertCrl);
  if (message.trustChainVerification !== 0) throw unsupported(`${where}.trust_chain_verification`);
}

export function refusePins(where: string, message: CertificateValidationContext): void {
  refuseSet(`${where}.verify_certificate_hash`, message.verifyCertificateHash);
  refuseSet(`${where}.verify_certificate_spki`, message.verifyCertificateSpki);
}
