/**
 * Transport sockets → DownstreamTls and UpstreamTls. Stricter than Envoy where Envoy would verify nothing: TLS towards
 * an upstream must say which peer it wants.
 */
import type { Any, CommonTlsContext, SubjectAltNameMatcher, TransportSocket } from '../../xds/tables/messages.gen.ts';
import { SubjectAltNameMatcher_SanType, TlsParameters_TlsProtocol } from '../../xds/tables/messages.gen.ts';
import { DownstreamTlsContextTable, UpstreamTlsContextTable } from '../../xds/tables/tables.gen.ts';
import type { DownstreamTls, PeerIdMatch, UpstreamTls } from '../snapshot.ts';
import { expectAds } from './config-source.ts';
import { decodeConfig } from './decode-config.ts';
import { invalid, refuseSet, unsupported, within } from './problem.ts';
import { refuseChecks } from './read-secret.ts';

const TLS = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.';
const RAW = 'type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer';
/** Reaches an internal listener; what it would pass along is not used here. */
const INTERNAL =
  'type.googleapis.com/envoy.extensions.transport_sockets.internal_upstream.v3.InternalUpstreamTransport';

/** null: plaintext. */
export function readDownstreamTls(where: string, socket: TransportSocket | undefined): DownstreamTls | null {
  const config = typedConfig(where, socket, 'DownstreamTlsContext');
  if (config === null) return null;
  return within(`${where}.typed_config`, () => {
    const message = decodeConfig(DownstreamTlsContextTable, config.value);
    refuseSet('require_sni', message.requireSni);
    const common = readCommon(message.commonTlsContext);
    const requireClientCertificate = message.requireClientCertificate ?? false;
    if (common.certificate === '') throw invalid('common_tls_context.tls_certificate_sds_secret_configs', 'required');
    if (requireClientCertificate && common.validation === '') {
      throw invalid(
        'common_tls_context.validation_context_type',
        'a client certificate is required and nothing verifies it',
      );
    }
    return { ...common, requireClientCertificate };
  });
}

/** null: plaintext. */
export function readUpstreamTls(where: string, socket: TransportSocket | undefined): UpstreamTls | null {
  const config = typedConfig(where, socket, 'UpstreamTlsContext');
  if (config === null) return null;
  return within(`${where}.typed_config`, () => {
    const message = decodeConfig(UpstreamTlsContextTable, config.value);
    const common = readCommon(message.commonTlsContext);
    const at = 'common_tls_context.validation_context_type';
    if (common.validation === '') throw invalid(at, 'nothing would verify the peer');
    if (common.peerIds.length === 0) throw invalid(at, 'no subject alternative name is required of the peer');
    return { ...common, serverName: message.sni };
  });
}

function typedConfig(where: string, socket: TransportSocket | undefined, context: string): Any | null {
  if (socket === undefined) return null;
  const config = socket.configType.value;
  if (config === undefined) throw invalid(`${where}.typed_config`, 'required');
  if (config.typeUrl === RAW || config.typeUrl === INTERNAL) return null;
  if (config.typeUrl === `${TLS}${context}`) return config;
  throw unsupported(`${where}.typed_config`, `no transport of this proxy reads ${config.typeUrl}`);
}

interface Common {
  readonly certificate: string;
  readonly validation: string;
  readonly alpn: readonly string[];
  readonly peerIds: readonly PeerIdMatch[];
}

function readCommon(message: CommonTlsContext | undefined): Common {
  const where = 'common_tls_context';
  if (message === undefined) throw invalid(where, 'required');
  refuseSet(`${where}.tls_certificates`, message.tlsCertificates);
  const maximum = message.tlsParams?.tlsMaximumProtocolVersion ?? 0;
  if (maximum !== TlsParameters_TlsProtocol.TLS_AUTO && maximum !== TlsParameters_TlsProtocol.TLSv1_3) {
    throw unsupported(`${where}.tls_params.tls_maximum_protocol_version`, 'only TLS 1.3 is spoken');
  }
  const certificates = message.tlsCertificateSdsSecretConfigs;
  if (certificates.length > 1) throw unsupported(`${where}.tls_certificate_sds_secret_configs[1]`);
  return {
    certificate: certificates[0]?.name ?? '',
    alpn: message.alpnProtocols,
    ...readValidation(where, message),
  };
}

function readValidation(where: string, message: CommonTlsContext): Pick<Common, 'validation' | 'peerIds'> {
  const type = message.validationContextType;
  switch (type.case) {
    case undefined:
      return { validation: '', peerIds: [] };
    case 'validationContext':
      throw unsupported(`${where}.validation_context`, 'roots come over SDS only');
    case 'validationContextSdsSecretConfig':
      expectAds(`${where}.validation_context_sds_secret_config.sds_config`, type.value.sdsConfig);
      return { validation: type.value.name, peerIds: [] };
    case 'combinedValidationContext': {
      const at = `${where}.combined_validation_context`;
      const { defaultValidationContext: checks, validationContextSdsSecretConfig: roots } = type.value;
      if (roots === undefined) throw invalid(`${at}.validation_context_sds_secret_config`, 'required');
      expectAds(`${at}.validation_context_sds_secret_config.sds_config`, roots.sdsConfig);
      if (checks === undefined) return { validation: roots.name, peerIds: [] };
      refuseChecks(`${at}.default_validation_context`, checks);
      refuseSet(`${at}.default_validation_context.trusted_ca`, checks.trustedCa);
      const peerIds = checks.matchTypedSubjectAltNames.map((matcher, i) =>
        readPeerId(`${at}.default_validation_context.match_typed_subject_alt_names[${i}]`, matcher),
      );
      return { validation: roots.name, peerIds };
    }
  }
}

function readPeerId(where: string, matcher: SubjectAltNameMatcher): PeerIdMatch {
  if (matcher.sanType !== SubjectAltNameMatcher_SanType.URI)
    throw unsupported(`${where}.san_type`, 'only URI names are compared');
  const pattern = matcher.matcher?.matchPattern;
  if ((pattern?.case !== 'exact' && pattern?.case !== 'prefix') || matcher.matcher?.ignoreCase) {
    throw unsupported(`${where}.matcher`, 'only exact and prefix are compared');
  }
  if (pattern.value === '') throw invalid(`${where}.matcher`, 'empty');
  return { kind: pattern.case, value: pattern.value };
}
