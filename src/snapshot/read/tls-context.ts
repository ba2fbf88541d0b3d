/**
 * Transport sockets → DownstreamTls and UpstreamTls. Stricter than Envoy where Envoy would verify nothing: TLS towards
 * an upstream must say which peer it wants.
 */
import type { Any, CommonTlsContext, DownstreamTlsContext, TransportSocket } from '../../xds/tables/messages.gen.ts';
import { DownstreamTlsContextTable, UpstreamTlsContextTable } from '../../xds/tables/tables.gen.ts';
import type { DownstreamTls, PeerIdMatch, TlsExtras, TlsSettings, UpstreamTls } from '../snapshot.ts';
import { decodeConfig } from './decode-config.ts';
import { invalid, refuseSet, unsupported, within } from './problem.ts';
import type { Terms } from './terms.ts';
import { readAlgorithms, readVersions } from './tls-params.ts';
import { readOwnCertificates, readValidation } from './tls-secrets.ts';

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
    // Envoy has not implemented it: nobody should believe that it is done.
    refuseSet('require_sni', message.requireSni);
    const common = readCommon(message.commonTlsContext, message, terms);
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
    const common = readCommon(message.commonTlsContext, null, terms);
    if ((common.extras?.moreCertificates ?? []).length > 0) {
      throw unsupported('common_tls_context.tls_certificates', 'a client presents one certificate');
    }
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

function readCommon(message: CommonTlsContext | undefined, server: DownstreamTlsContext | null, terms: Terms): Common {
  const where = 'common_tls_context';
  if (message === undefined)
    throw invalid(where, 'required: it says which certificates are shown and what verifies the peer');
  const [certificate = null, ...moreCertificates] = readOwnCertificates(where, message, terms);
  const { validation, peerIds, pins } = readValidation(where, message, terms);
  const extras: TlsExtras = {
    moreCertificates,
    scansAll: server?.fullScanCertsOnSniMismatch ?? false,
    pins,
    // A mesh speaks TLS 1.3 and what its proxies know.
    algorithms: terms.tls === 'mesh' ? null : readAlgorithms(`${where}.tls_params`, message.tlsParams),
  };
  const isPlain = moreCertificates.length === 0 && pins === null && extras.algorithms === null;
  return {
    ...readVersions(`${where}.tls_params`, message.tlsParams, terms),
    certificate,
    validation,
    alpn: message.alpnProtocols,
    peerIds,
    extras: isPlain ? null : extras,
  };
}
