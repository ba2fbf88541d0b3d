/** Operators over the connections at both sides: addresses, what TLS said, and who the peer is. */
import type { Address, ConnectionInfo } from '../../core/runtime.ts';
import { isUnixPath } from '../../core/unix-path.ts';
import type { JsonValue } from '../../xds/wire/json.ts';
import type { Facts } from './facts.ts';
import { type OperatorKinds, plain } from './operator.ts';
import { byteText } from './byte-text.ts';

export const CONNECTION_OPERATORS: OperatorKinds = {
  CONNECTION_ID: plain(({ connectionId }) => connectionId),
  FILTER_CHAIN_NAME: plain(({ chainName }) => byteText(chainName) || null),
  ...addresses('DOWNSTREAM_REMOTE', remoteOfDownstream),
  ...addresses('DOWNSTREAM_DIRECT_REMOTE', remoteOfDownstream),
  ...addresses('DOWNSTREAM_LOCAL', ({ connection }) => connection.local),
  ...addresses('DOWNSTREAM_DIRECT_LOCAL', ({ connection }) => connection.local),
  ...addresses('UPSTREAM_LOCAL', ({ upstream }) => upstream?.local ?? null),
  UPSTREAM_HOST: plain(({ upstreamHost }) => byteText(upstreamHost) || null),
  UPSTREAM_REMOTE_ADDRESS: plain((facts) => byteText(connected(facts)) || null),
  UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: plain((facts) => hostOf(connected(facts))),
  UPSTREAM_REMOTE_PORT: plain((facts) => portOf(connected(facts))),
  REQUESTED_SERVER_NAME: plain(({ connection }) => byteText(connection.tls?.serverName ?? '') || null),
  ...peer('DOWNSTREAM_PEER', ({ connection }) => connection),
  ...peer('UPSTREAM_PEER', ({ upstream }) => upstream),
};

function remoteOfDownstream({ connection }: Facts): Address {
  return connection.remote;
}

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

function peer(prefix: string, of: (facts: Facts) => ConnectionInfo | null): OperatorKinds {
  return {
    [`${prefix}_URI_SAN`]: plain((facts) => list(of(facts)?.tls?.peer?.uris)),
    [`${prefix}_DNS_SAN`]: plain((facts) => list(of(facts)?.tls?.peer?.dnsNames)),
    [`${prefix}_SERIAL`]: plain((facts) => of(facts)?.tls?.peer?.serialNumber.toLowerCase() ?? null),
  };
}

/** A name in a certificate may hold anything; it must not begin a line of its own. */
const CONTROL = /[\0-\x1f\x7f]/g;

function list(names: readonly string[] | undefined): JsonValue {
  return names === undefined || names.length === 0 ? null : names.join(',').replace(CONTROL, '?');
}
