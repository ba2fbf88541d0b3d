/**
 * TlsParameters → versions, cipher suites, curves and signature algorithms. Names that this proxy's OpenSSL does not have,
 * or nobody should still use, are refused where they stand: a list that is shorter than it was written would not be noticed.
 */
import type { TlsVersion } from '../../core/runtime.ts';
import type { TlsParameters } from '../../xds/tables/messages.gen.ts';
import { TlsParameters_TlsProtocol as Protocol } from '../../xds/tables/messages.gen.ts';
import type { TlsAlgorithms, TlsSettings } from '../snapshot.ts';
import { invalid, unsupported } from './problem.ts';
import type { Terms } from './terms.ts';

const VERSIONS: ReadonlyMap<number, TlsVersion> = new Map([
  [Protocol.TLSv1_2, 'TLSv1.2'],
  [Protocol.TLSv1_3, 'TLSv1.3'],
]);

/** A mesh speaks TLS 1.3; elsewhere the least is Envoy's, 1.2. */
export function readVersions(
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
  const minVersion = least === Protocol.TLS_AUTO ? 'TLSv1.2' : VERSIONS.get(least);
  const maxVersion = most === Protocol.TLS_AUTO ? 'TLSv1.3' : VERSIONS.get(most);
  if (minVersion === undefined) throw unsupported(`${where}.tls_minimum_protocol_version`, 'TLS 1.2 is the least');
  if (maxVersion === undefined) throw unsupported(`${where}.tls_maximum_protocol_version`, 'TLS 1.2 is the least');
  if (minVersion > maxVersion) throw invalid(`${where}.tls_maximum_protocol_version`, 'below the minimum');
  return { minVersion, maxVersion };
}

/** TLS 1.2 suites of Envoy's (BoringSSL's) list that OpenSSL has by the same names; those of 1.3 are not chosen by name. */
const SUITES: ReadonlySet<string> = new Set([
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-SHA',
  'ECDHE-ECDSA-AES256-SHA',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-RSA-AES128-SHA',
  'ECDHE-RSA-AES256-SHA',
  'AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
  'AES128-SHA',
  'AES256-SHA',
]);
const CURVES: ReadonlySet<string> = new Set(['X25519', 'P-256', 'P-384', 'P-521', 'X25519MLKEM768']);
const SIGNATURES: ReadonlySet<string> = new Set([
  'ecdsa_secp256r1_sha256',
  'ecdsa_secp384r1_sha384',
  'ecdsa_secp521r1_sha512',
  'ed25519',
  ...['rsa_pss_rsae', 'rsa_pkcs1'].flatMap((kind) => [`${kind}_sha256`, `${kind}_sha384`, `${kind}_sha512`]),
]);

/** Null: those that this proxy has by itself. */
export function readAlgorithms(where: string, message: TlsParameters | undefined): TlsAlgorithms | null {
  const { cipherSuites = [], ecdhCurves = [], signatureAlgorithms = [] } = message ?? {};
  if (cipherSuites.length + ecdhCurves.length + signatureAlgorithms.length === 0) return null;
  return {
    // `[A|B]`: as good as each other to Envoy, which lets the client choose; here in the order of the list.
    cipherSuites: cipherSuites.flatMap((group, i) =>
      group
        .replace(/^\[(.*)\]$/, '$1')
        .split('|')
        .map((suite) => known(SUITES, suite, `${where}.cipher_suites[${i}]`, 'cipher suite')),
    ),
    curves: ecdhCurves.map((curve, i) => known(CURVES, curve, `${where}.ecdh_curves[${i}]`, 'curve')),
    signatures: signatureAlgorithms.map((name, i) =>
      known(SIGNATURES, name, `${where}.signature_algorithms[${i}]`, 'signature algorithm'),
    ),
  };
}

function known(names: ReadonlySet<string>, name: string, where: string, kind: string): string {
  if (!names.has(name)) throw unsupported(where, `${JSON.stringify(name)} is no ${kind} of this proxy`);
  return name;
}
