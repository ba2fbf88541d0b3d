/** Operators over the connections at both sides: addresses, what TLS said, and who the peer is. */
import type { Address, PeerCertificate, TlsInfo } from '../../core/runtime.ts';
import { isUnixPath } from '../../core/unix-path.ts';
import type { JsonValue } from '../../xds/wire/json.ts';
import { compileDate } from './date-format.ts';
import type { Facts } from './facts.ts';
import { type OperatorKind, type OperatorKinds, plain } from './operator.ts';
import { byteText } from './byte-text.ts';

export const CONNECTION_OPERATORS: OperatorKinds = {
  CONNECTION_ID: plain(({ connectionId }) => connectionId),
  FILTER_CHAIN_NAME: plain(({ chainName }) => byteText(chainName) || null),
  ...addresses('DOWNSTREAM_REMOTE', ({ connection }) => connection.remote),
  ...addresses('DOWNSTREAM_DIRECT_REMOTE', ({ connection }) => connection.direct ?? connection.remote),
  ...addresses('DOWNSTREAM_LOCAL', ({ connection }) => connection.local),
  ...addresses('DOWNSTREAM_DIRECT_LOCAL', ({ connection }) => connection.accepted ?? connection.local),
  ...addresses('UPSTREAM_LOCAL', ({ upstream }) => upstream?.local ?? null),
  UPSTREAM_HOST: plain(({ upstreamHost }) => byteText(upstreamHost) || null),
  UPSTREAM_REMOTE_ADDRESS: plain((facts) => byteText(connected(facts)) || null),
  UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: plain((facts) => hostOf(connected(facts))),
  UPSTREAM_REMOTE_PORT: plain((facts) => portOf(connected(facts))),
  REQUESTED_SERVER_NAME: plain(({ connection }) => byteText(connection.tls?.serverName ?? '') || null),
  ...secured('DOWNSTREAM', ({ connection }) => connection.tls),
  // Of an upstream Envoy has neither.
  DOWNSTREAM_PEER_SERIAL: plain(({ connection }) => connection.tls?.peer?.serialNumber.toLowerCase() ?? null),
  DOWNSTREAM_PEER_FINGERPRINT_256: plain(({ connection }) => connection.tls?.peer?.shown?.fingerprint256 ?? null),
  ...secured('UPSTREAM', ({ upstream }) => upstream?.tls ?? null),
};

function addresses(prefix: string, of: (facts: Facts) => Address | null): OperatorKinds {
  return {
    [`${prefix}_ADDRESS`]: plain((facts) => whole(of(facts))),
    [`${prefix}_ADDRESS_WITHOUT_PORT`]: plain((facts) => of(facts)?.host ?? null),
    [`${prefix}_PORT`]: plain((facts) => of(facts)?.port ?? null),
  };
}

function whole(address: Address | null): string | null {
  if (address === null || isUnixPath(address.host)) return address?.host ?? null;
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** There is no other end of a connection that could not be made. */
function connected({ upstreamHost, flag }: Facts): string {
  return flag === 'UF' ? '' : upstreamHost;
}

/** Of `host:port`; of what is no such address there is no host without its port. */
function hostOf(key: string): string | null {
  const end = key.lastIndexOf(':');
  return end < 0 ? null : key.slice(0, end).replace(/^\[|\]$/g, '');
}

function portOf(key: string): number | null {
  const port = Number(key.slice(key.lastIndexOf(':') + 1));
  return key === '' || !Number.isInteger(port) ? null : port;
}

function secured(end: string, of: (facts: Facts) => TlsInfo | null): OperatorKinds {
  const peerOf = (facts: Facts): PeerCertificate | null => of(facts)?.peer ?? null;
  return {
    [`${end}_TLS_VERSION`]: plain((facts) => of(facts)?.version ?? null),
    [`${end}_TLS_CIPHER`]: plain((facts) => of(facts)?.cipher ?? null),
    [`${end}_PEER_URI_SAN`]: plain((facts) => list(peerOf(facts)?.uris)),
    [`${end}_PEER_DNS_SAN`]: plain((facts) => list(peerOf(facts)?.dnsNames)),
    [`${end}_PEER_SUBJECT`]: plain((facts) => shown(peerOf(facts)?.shown?.subject)),
    [`${end}_PEER_ISSUER`]: plain((facts) => shown(peerOf(facts)?.shown?.issuer)),
    [`${end}_PEER_CERT_V_START`]: dateOf((facts) => peerOf(facts)?.shown?.notBefore),
    [`${end}_PEER_CERT_V_END`]: dateOf((facts) => peerOf(facts)?.notAfter),
  };
}

/** An empty argument is RFC 3339. */
function dateOf(at: (facts: Facts) => number | undefined): OperatorKind {
  return {
    argument: 'optional',
    cut: false,
    make(where, format) {
      const write = compileDate(where, byteText(format), false);
      return (facts) => {
        const wallMs = at(facts);
        return wallMs === undefined ? null : write(wallMs);
      };
    },
  };
}

/** A name in a certificate may hold anything; it must not begin a line of its own. */
const CONTROL = /[\0-\x1f\x7f]/g;

function list(names: readonly string[] | undefined): JsonValue {
  return shown(names?.join(','));
}

function shown(text: string | undefined): JsonValue {
  return text === undefined || text === '' ? null : byteText(text.replace(CONTROL, '?'));
}
