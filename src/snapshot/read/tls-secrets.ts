/** The certificate that TLS settings present, and what they accept of a peer: inline, of the bootstrap, or over SDS. */
import { hash } from 'node:crypto';
import { readStringMatcher } from '../../xds/matchers/string-matcher.ts';
import type {
  CertificateValidationContext,
  CommonTlsContext,
  SdsSecretConfig,
  SubjectAltNameMatcher,
} from '../../xds/tables/messages.gen.ts';
import { SubjectAltNameMatcher_SanType as SanType } from '../../xds/tables/messages.gen.ts';
import type { CertificateSecret, PeerIdMatch, SecretName, TrustBundle } from '../snapshot.ts';
import { expectAds, readSource } from './config-source.ts';
import { invalid, refuseSet, unsupported } from './problem.ts';
import { readCertificate, readRoots, refuseChecks } from './read-secret.ts';
import type { Terms } from './terms.ts';

export function readOwnCertificate(
  where: string,
  message: CommonTlsContext,
  terms: Terms,
): SecretName | CertificateSecret | null {
  const named = message.tlsCertificateSdsSecretConfigs;
  const inline = message.tlsCertificates;
  if (terms.tls === 'mesh') refuseSet(`${where}.tls_certificates`, inline);
  if (named.length > 1) throw unsupported(`${where}.tls_certificate_sds_secret_configs[1]`);
  if (inline.length > 1) throw unsupported(`${where}.tls_certificates[1]`);
  const [secret] = named;
  const [certificate] = inline;
  if (secret !== undefined && certificate !== undefined) {
    throw invalid(`${where}.tls_certificate_sds_secret_configs`, 'tls_certificates are set as well');
  }
  if (certificate !== undefined) return readCertificate(`${where}.tls_certificates[0]`, certificate);
  if (secret === undefined) return null;
  // The agent of a mesh binds it, whatever is said of where else to ask.
  if (terms.tls === 'mesh') return { name: secret.name, source: null };
  return readSecretName(`${where}.tls_certificate_sds_secret_configs[0]`, secret);
}

/** Without `sds_config` it is one of the bootstrap's own. */
function readSecretName(where: string, { name, sdsConfig }: SdsSecretConfig): SecretName {
  if (name === '') throw invalid(`${where}.name`, 'required');
  return { name, source: sdsConfig === undefined ? null : readSource(`${where}.sds_config`, sdsConfig) };
}

export interface Validation {
  readonly validation: SecretName | TrustBundle | null;
  readonly peerIds: readonly PeerIdMatch[];
}

export function readValidation(where: string, message: CommonTlsContext, terms: Terms): Validation {
  const type = message.validationContextType;
  switch (type.case) {
    case undefined:
      return { validation: null, peerIds: [] };
    case 'validationContext': {
      if (terms.tls === 'mesh') throw unsupported(`${where}.validation_context`, 'roots come over SDS only');
      const at = `${where}.validation_context`;
      const pem = readRoots(at, type.value);
      const name = `inline:${hash('sha256', pem, 'base64url')}`;
      return { validation: { name, pem }, peerIds: readPeerIds(at, type.value, terms) };
    }
    case 'validationContextSdsSecretConfig': {
      const at = `${where}.validation_context_sds_secret_config`;
      return { validation: readRootsName(at, type.value, terms), peerIds: [] };
    }
    case 'combinedValidationContext': {
      const at = `${where}.combined_validation_context`;
      const { defaultValidationContext: checks, validationContextSdsSecretConfig: roots } = type.value;
      if (roots === undefined) throw invalid(`${at}.validation_context_sds_secret_config`, 'required');
      const validation = readRootsName(`${at}.validation_context_sds_secret_config`, roots, terms);
      if (checks === undefined) return { validation, peerIds: [] };
      refuseChecks(`${at}.default_validation_context`, checks);
      refuseSet(`${at}.default_validation_context.trusted_ca`, checks.trustedCa);
      return { validation, peerIds: readPeerIds(`${at}.default_validation_context`, checks, terms) };
    }
  }
}

function readRootsName(where: string, secret: SdsSecretConfig, terms: Terms): SecretName {
  if (terms.tls === 'mesh') expectAds(`${where}.sds_config`, secret.sdsConfig);
  return readSecretName(where, secret);
}

function readPeerIds(where: string, checks: CertificateValidationContext, terms: Terms): readonly PeerIdMatch[] {
  return checks.matchTypedSubjectAltNames.map((matcher, i) =>
    readPeerId(`${where}.match_typed_subject_alt_names[${i}]`, matcher, terms),
  );
}

function readPeerId(where: string, matcher: SubjectAltNameMatcher, terms: Terms): PeerIdMatch {
  const san = matcher.sanType === SanType.URI ? 'uri' : matcher.sanType === SanType.DNS ? 'dns' : null;
  if (san === null || (san === 'dns' && terms.tls === 'mesh')) {
    throw unsupported(
      `${where}.san_type`,
      terms.tls === 'mesh' ? 'only URI names are compared' : 'only URI and DNS names are compared',
    );
  }
  const match = readStringMatcher(`${where}.matcher`, matcher.matcher);
  if (terms.tls === 'mesh' && match.kind !== 'exact' && match.kind !== 'prefix') {
    throw unsupported(`${where}.matcher`, 'only exact and prefix are compared');
  }
  if (match.value === '') throw invalid(`${where}.matcher`, 'empty');
  return { ...match, san };
}
