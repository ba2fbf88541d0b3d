/** Why a handshake failed, in words that name the side at fault. The same words in every runtime. */

/** Codes of OpenSSL and Node → the reason without its `tls: ` prefix. Unknown codes stand for themselves. */
const REASONS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'peer certificate has expired',
  CERT_NOT_YET_VALID: 'peer certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'peer certificate is from an unknown authority',
  SELF_SIGNED_CERT_IN_CHAIN: 'peer certificate is from an unknown authority',
  UNABLE_TO_GET_ISSUER_CERT: 'peer certificate is from an unknown authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'peer certificate is from an unknown authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'peer certificate is from an unknown authority',
  CERT_REVOKED: 'peer certificate is revoked',
  UNABLE_TO_GET_CRL: 'no revocation list is of the issuer of the peer certificate',
  CRL_HAS_EXPIRED: 'the revocation list of the issuer of the peer certificate is out of date',
  CRL_NOT_YET_VALID: 'the revocation list of the issuer of the peer certificate is not valid yet',
  CRL_SIGNATURE_FAILURE: 'the revocation list of the issuer of the peer certificate is not signed by it',
  CERT_SIGNATURE_FAILURE: 'peer certificate is from an unknown authority',
  INVALID_CA: 'peer certificate was issued by one that may not issue',
  INVALID_PURPOSE: 'peer certificate is not for this use',
  CERT_CHAIN_TOO_LONG: 'peer certificate chain is too long',
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'peer sent no certificate',
  ERR_SSL_NO_APPLICATION_PROTOCOL: 'no common application protocol',
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: 'no common application protocol',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'peer requires a certificate',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'peer does not trust our certificate',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'peer does not speak TLS 1.3',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'peer does not speak TLS 1.3',
  ERR_SSL_WRONG_VERSION_NUMBER: 'peer does not speak TLS',
  ERR_SSL_HTTP_REQUEST: 'peer does not speak TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'peer does not speak TLS',
  ERR_TLS_HANDSHAKE_TIMEOUT: 'handshake took too long',
  ECONNRESET: 'peer closed during the handshake',
  EPIPE: 'peer closed during the handshake',
};

export const NO_CERTIFICATE = 'peer sent no certificate';
export const UNKNOWN_AUTHORITY = 'peer certificate is from an unknown authority';
export const EXPIRED = 'peer certificate has expired';
export const NOT_YET_VALID = 'peer certificate is not valid yet';
export const WRONG_USE = 'peer certificate is not for this use';
export const NO_COMMON_PROTOCOL = 'no common application protocol';
export const NEEDS_CERTIFICATE = 'peer requires a certificate';
export const CLOSED_IN_HANDSHAKE = 'peer closed during the handshake';
export const NO_TRUST_BUNDLE = 'a certificate is required and no root is trusted';

export function tlsReason(code: string): string {
  return `tls: ${REASONS[code] ?? code}`;
}
