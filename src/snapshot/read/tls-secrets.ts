/** The certificates that TLS settings present, and what they accept of a peer: inline, of the bootstrap, or over SDS. */
import { hash } from 'node:crypto';
import { readStringMatcher } from '../../xds/matchers/string-matcher.ts';
import type {
  CertificateValidationContext,
  CommonTlsContext,
  SdsSecretConfig,
  SubjectAltNameMatcher,
} from '../../xds/tables/messages.gen.ts';
import { SubjectAltNameMatcher_SanType as SanType } from '../../xds/tables/messages.gen.ts';
import type { CertificateSecret, PeerIdMatch, PeerPins, SecretName, TrustBundle } from '../snapshot.ts';
import { expectAds, readSource } from './config-source.ts';
import { invalid, refuseSet, unsupported } from './problem.ts';
import { readPins } from './peer-pins.ts';
import { readCertificate, readRoots, refuseChecks, refusePins } from './read-secret.ts';
import type { Terms } from './terms.ts';

/** Most have one; a server may have several, the first is the one for whoever asks for no other. */
export function readOwnCertificates(
  where: string,
  message: CommonTlsContext,
  terms: Terms,
): readonly (SecretName | CertificateSecret)[] {
  const named = message.tlsCertificateSdsSecretConfigs;
  const inline = message.tlsCertificates;
  if (terms.tls === 'mesh') {
    refuseSet(`${where}.tls_certificates`, inline);
    if (named.length > 1) throw unsupported(`${where}.tls_certificate_sds_secret_configs[1]`, 'a workload has one');
    // The agent of a mesh binds it, whatever is said of where else to ask.
    return named.map(({ name }) => ({ name, source: null }));
  }
  if (named.length > 0 && inline.length > 0) {
    throw invalid(`${where}.tls_certificate_sds_secret_configs`, 'tls_certificates are set as well');
  }
  return named.length > 0
    ? named.map((secret, i) => readSecretName(`${where}.tls_certificate_sds_secret_configs[${i}]`, secret))
    : inline.map((certificate, i) => readCertificate(`${where}.tls_certificates[${i}]`, certificate));
}

/** Without `sds_config` it is one of the bootstrap's own. */
function readSecretName(where: string, { name, sdsConfig }: SdsSecretConfig): SecretName {
  if (name === '') throw invalid(`${where}.name`, 'required');
  return { name, source: sdsConfig === undefined ? null : readSource(`${where}.sds_config`, sdsConfig) };
}

export interface Validation {
  readonly validation: SecretName | TrustBundle | null;
  readonly peerIds: readonly PeerIdMatch[];
  readonly pins: PeerPins | null;
}

export function readValidation(where: string, message: CommonTlsContext, terms: Terms): Validation {
  const type = message.validationContextType;
  switch (type.case) {
    case undefined:
      return { validation: null, peerIds: [], pins: null };
    case 'validationContext': {
      if (terms.tls === 'mesh') throw unsupported(`${where}.validation_context`, 'roots come over SDS only');
      const at = `${where}.validation_context`;
      const roots = readRoots(at, type.value, terms);
      const name = `inline:${hash('sha256', `${roots.pem}\n${roots.crlPem ?? ''}`, 'base64url')}`;
      const pins = readPins(at, type.value);
      return { validation: { name, ...roots }, peerIds: readPeerIds(at, type.value, terms), pins };
    }
    case 'validationContextSdsSecretConfig': {
      const at = `${where}.validation_context_sds_secret_config`;
      return { validation: readRootsName(at, type.value, terms), peerIds: [], pins: null };
    }
    case 'combinedValidationContext': {
      const at = `${where}.combined_validation_context`;
      const { defaultValidationContext: checks, validationContextSdsSecretConfig: roots } = type.value;
      if (roots === undefined) throw invalid(`${at}.validation_context_sds_secret_config`, 'required');
      const validation = readRootsName(`${at}.validation_context_sds_secret_config`, roots, terms);
      if (checks === undefined) return { validation, peerIds: [], pins: null };
      const within = `${at}.default_validation_context`;
      refuseChecks(within, checks);
      refuseSet(`${within}.trusted_ca`, checks.trustedCa);
      if (checks.crl !== undefined) throw unsupported(`${within}.crl`, 'revocation lists come with the roots');
      if (terms.tls === 'mesh') refusePins(within, checks);
      return { validation, peerIds: readPeerIds(within, checks, terms), pins: readPins(within, checks) };
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
