/**
 * Transport sockets → DownstreamTls and UpstreamTls. Stricter than Envoy where Envoy would verify nothing: TLS towards
 * an upstream must say which peer it wants.
 */
import type { TlsVersion } from '../../core/runtime.ts';
import type { Any, CommonTlsContext, TlsParameters, TransportSocket } from '../../xds/tables/messages.gen.ts';
import { TlsParameters_TlsProtocol as Protocol } from '../../xds/tables/messages.gen.ts';
import { DownstreamTlsContextTable, UpstreamTlsContextTable } from '../../xds/tables/tables.gen.ts';
import type { DownstreamTls, PeerIdMatch, TlsSettings, UpstreamTls } from '../snapshot.ts';
import { decodeConfig } from './decode-config.ts';
import { invalid, refuseSet, unsupported, within } from './problem.ts';
import type { Terms } from './terms.ts';
import { readOwnCertificate, readValidation } from './tls-secrets.ts';

const TLS = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.';
const RAW = 'type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer';
/** Reaches an internal listener; what it would pass along is not used here. */
const INTERNAL =
  'type.googleapis.com/envoy.extensions.transport_sockets.internal_upstream.v3.InternalUpstreamTransport';

/** null: plaintext. */
export function readDownstreamTls(
  where: string,
  socket: TransportSocket | undefined,
  terms: Terms,
): DownstreamTls | null {
  const config = typedConfig(where, socket, 'DownstreamTlsContext');
  if (config === null) return null;
  return within(`${where}.typed_config`, () => {
    const message = decodeConfig(DownstreamTlsContextTable, config.value);
    refuseSet('require_sni', message.requireSni);
    const common = readCommon(message.commonTlsContext, terms);
    const requireClientCertificate = message.requireClientCertificate ?? false;
    if (common.certificate === null) {
      const field = terms.tls === 'mesh' ? 'tls_certificate_sds_secret_configs' : 'tls_certificates';
      throw invalid(`common_tls_context.${field}`, 'required');
    }
    if (requireClientCertificate && common.validation === null) {
      throw invalid(
        'common_tls_context.validation_context_type',
        'a client certificate is required and nothing verifies it',
      );
    }
    return { ...common, requireClientCertificate };
  });
}

/** null: plaintext. */
export function readUpstreamTls(where: string, socket: TransportSocket | undefined, terms: Terms): UpstreamTls | null {
  const config = typedConfig(where, socket, 'UpstreamTlsContext');
  if (config === null) return null;
  return within(`${where}.typed_config`, () => {
    const message = decodeConfig(UpstreamTlsContextTable, config.value);
    const common = readCommon(message.commonTlsContext, terms);
    const at = 'common_tls_context.validation_context_type';
    if (common.validation === null) throw invalid(at, 'nothing would verify the peer');
    if (terms.tls === 'mesh' && common.peerIds.length === 0) {
      throw invalid(at, 'no subject alternative name is required of the peer');
    }
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

interface Common extends TlsSettings {
  readonly alpn: readonly string[];
  readonly peerIds: readonly PeerIdMatch[];
}

function readCommon(message: CommonTlsContext | undefined, terms: Terms): Common {
  const where = 'common_tls_context';
  if (message === undefined)
    throw invalid(where, 'required: it says which certificates are shown and what verifies the peer');
  return {
    ...readVersions(`${where}.tls_params`, message.tlsParams, terms),
    certificate: readOwnCertificate(where, message, terms),
    alpn: message.alpnProtocols,
    ...readValidation(where, message, terms),
  };
}

const VERSIONS: ReadonlyMap<number, TlsVersion> = new Map([
  [Protocol.TLSv1_2, 'TLSv1.2'],
  [Protocol.TLSv1_3, 'TLSv1.3'],
]);

/** A mesh speaks TLS 1.3; elsewhere the least is Envoy's, 1.2. */
function readVersions(
  where: string,
  message: TlsParameters | undefined,
  terms: Terms,
): Pick<TlsSettings, 'minVersion' | 'maxVersion'> {
  const { tlsMinimumProtocolVersion: least = 0, tlsMaximumProtocolVersion: most = 0 } = message ?? {};
  if (terms.tls === 'mesh') {
    if (most !== Protocol.TLS_AUTO && most !== Protocol.TLSv1_3) {
      throw unsupported(`${where}.tls_maximum_protocol_version`, 'only TLS 1.3 is spoken');
    }
    return { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' };
  }
  refuseSet(`${where}.cipher_suites`, message?.cipherSuites);
  refuseSet(`${where}.ecdh_curves`, message?.ecdhCurves);
  refuseSet(`${where}.signature_algorithms`, message?.signatureAlgorithms);
  const minVersion = least === Protocol.TLS_AUTO ? 'TLSv1.2' : VERSIONS.get(least);
  const maxVersion = most === Protocol.TLS_AUTO ? 'TLSv1.3' : VERSIONS.get(most);
  if (minVersion === undefined) throw unsupported(`${where}.tls_minimum_protocol_version`, 'TLS 1.2 is the least');
  if (maxVersion === undefined) throw unsupported(`${where}.tls_maximum_protocol_version`, 'TLS 1.2 is the least');
  if (minVersion > maxVersion) throw invalid(`${where}.tls_maximum_protocol_version`, 'below the minimum');
  return { minVersion, maxVersion };
}
