/** Secret → TrustBundle. Only roots come over xDS: a private key on this stream is refused, whoever sent it. */
import { textOf } from '../../core/bytes.ts';
import type { CertificateValidationContext } from '../../xds/tables/messages.gen.ts';
import { SecretTable } from '../../xds/tables/tables.gen.ts';
import type { TrustBundle } from '../snapshot.ts';
import { decodeConfig } from './decode-config.ts';
import { invalid, refuseSet, unsupported } from './problem.ts';

export function readSecret(bytes: Uint8Array): TrustBundle {
  const message = decodeConfig(SecretTable, bytes);
  switch (message.type.case) {
    case 'validationContext':
      return { name: message.name, pem: readRoots('validation_context', message.type.value) };
    case 'tlsCertificate':
      throw unsupported(
        'tls_certificate',
        'keys do not travel: the certificate is bound by the agent of this workload',
      );
    case undefined:
      throw invalid('type', 'required');
  }
}

function readRoots(where: string, message: CertificateValidationContext): string {
  refuseChecks(where, message);
  refuseSet(`${where}.match_typed_subject_alt_names`, message.matchTypedSubjectAltNames);
  const source = message.trustedCa?.specifier;
  const pem =
    source?.case === 'inlineBytes' ? textOf(source.value) : source?.case === 'inlineString' ? source.value : null;
  if (pem === null) throw unsupported(`${where}.trusted_ca`, 'roots must be inline');
  if (!pem.includes('-----BEGIN CERTIFICATE-----')) throw invalid(`${where}.trusted_ca`, 'no certificate in PEM');
  return pem;
}

/** Checks of the peer that this proxy does not make. */
export function refuseChecks(where: string, message: CertificateValidationContext): void {
  refuseSet(`${where}.verify_certificate_hash`, message.verifyCertificateHash);
  refuseSet(`${where}.verify_certificate_spki`, message.verifyCertificateSpki);
  refuseSet(`${where}.crl`, message.crl);
  refuseSet(`${where}.allow_expired_certificate`, message.allowExpiredCertificate);
  refuseSet(`${where}.match_subject_alt_names`, message.matchSubjectAltNames);
  refuseSet(`${where}.max_verify_depth`, message.maxVerifyDepth);
  if (message.trustChainVerification !== 0) throw unsupported(`${where}.trust_chain_verification`);
}
