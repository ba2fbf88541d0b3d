/**
 * A policy's condition as it stands for one connection: who calls, from where, to which port is known, so those leaves
 * become constants and what is left speaks of the request only. Done once a connection, it makes twenty policies cost
 * what the one or two cost that concern its caller.
 */
import type { ConnectionInfo } from '../../core/runtime.ts';
import { textMatches } from '../../http/match/text.ts';
import type { Facts } from '../../http/filter.ts';
import { addressBytes, inRange } from '../../core/address-range.ts';
import { ALWAYS, allOf, type Condition, type ConnectionCondition, NEVER, notOf, someOf } from './condition.ts';

/** What is known of a connection, as bytes. */
export interface Caller {
  /** URI SANs of the verified certificate. */
  readonly uris: readonly Uint8Array[];
  /** null: not an IP address. */
  readonly remote: Uint8Array | null;
  /** Of whoever opened the connection. */
  readonly direct: Uint8Array | null;
  readonly local: Uint8Array | null;
  readonly port: number;
  readonly serverName: Uint8Array;
}

export function factsOf({ local, remote, direct, tls }: ConnectionInfo): Facts {
  return {
    peerUris: tls?.peer?.uris ?? [],
    remoteHost: remote.host,
    ...(direct === undefined ? {} : { directHost: direct.host }),
    destinationHost: local.host,
    destinationPort: local.port,
    serverName: tls?.serverName ?? '',
  };
}

export function callerOf(facts: Facts): Caller {
  const remote = addressBytes(facts.remoteHost);
  return {
    uris: facts.peerUris.map((uri) => Buffer.from(uri, 'utf8')),
    remote,
    direct: facts.directHost === undefined ? remote : addressBytes(facts.directHost),
    local: addressBytes(facts.destinationHost),
    port: facts.destinationPort,
    serverName: Buffer.from(facts.serverName, 'utf8'),
  };
}

export function specialise(condition: Condition, caller: Caller): Condition {
  switch (condition.kind) {
    case 'constant':
    case 'header':
    case 'path':
      return condition;
    case 'all':
      return allOf(condition.of.map((each) => specialise(each, caller)));
    case 'some':
      return someOf(condition.of.map((each) => specialise(each, caller)));
    case 'not':
      return notOf(specialise(condition.of, caller));
    default:
      return holdsFor(condition, caller) ? ALWAYS : NEVER;
  }
}

function holdsFor(condition: ConnectionCondition, caller: Caller): boolean {
  switch (condition.kind) {
    case 'port':
      return caller.port >= condition.from && caller.port < condition.to;
    case 'server-name': {
      const { serverName } = caller;
      return textMatches(condition.match, condition.value, serverName, 0, serverName.length);
    }
    case 'peer': {
      const { match, value } = condition;
      if (match === null) return caller.uris.length > 0;
      return caller.uris.some((uri) => textMatches(match, value, uri, 0, uri.length));
    }
    case 'remote':
      return inRange(condition.range, caller.remote);
    case 'direct':
      return inRange(condition.range, caller.direct);
    case 'local':
      return inRange(condition.range, caller.local);
  }
}
