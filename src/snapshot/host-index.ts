/**
 * Choice of the virtual host: exact, then the longest `*suffix`, then the longest `prefix*`, then `*`, without the case
 * of letters, as Envoy does (RouteMatcher::findVirtualHost). Works on the bytes of the authority; allocates nothing.
 */
import { WeftError } from '../core/errors.ts';
import { type ByteTrie, buildTrie, descend, edgeLength } from './byte-trie.ts';
import type { HostIndex, VirtualHost } from './route-table.ts';

const COLON = 58;
const BRACKET = 93;

/** Throws WeftError `invalid` when two virtual hosts claim a domain: which one wins would be left to chance. */
export function indexHosts(hosts: readonly VirtualHost[]): HostIndex {
  const exact: Claim[] = [];
  const suffix: Claim[] = [];
  const prefix: Claim[] = [];
  let any = 0;
  const seen = new Set<string>();
  hosts.forEach((host, i) => {
    host.domains.forEach((domain, j) => {
      const where = `virtual_hosts[${i}].domains[${j}]`;
      const key = domain.toLowerCase();
      if (seen.has(key)) throw new WeftError('invalid', { what: `domain ${domain} is claimed twice`, where });
      seen.add(key);
      const star = key.indexOf('*');
      if (key === '*') any = i + 1;
      else if (star < 0) exact.push({ key: Buffer.from(key, 'latin1'), host: i + 1 });
      else if (star === 0) suffix.push({ key: Buffer.from(key.slice(1), 'latin1').reverse(), host: i + 1 });
      else if (star === key.length - 1) prefix.push({ key: Buffer.from(key.slice(0, -1), 'latin1'), host: i + 1 });
      else throw new WeftError('invalid', { what: `domain ${domain} has a * inside`, where });
      if (key.indexOf('*', star + 1) >= 0 && star >= 0) {
        throw new WeftError('invalid', { what: `domain ${domain} has more than one *`, where });
      }
    });
  });
  const [e, s, p] = [place(exact), place(suffix), place(prefix)];
  return {
    exact: e.trie,
    exactHost: e.host,
    suffix: s.trie,
    suffixHost: s.host,
    prefix: p.trie,
    prefixHost: p.host,
    any,
  };
}

/** Position of the virtual host in the table, or -1. */
export function findHost(index: HostIndex, bytes: Uint8Array, start: number, end: number): number {
  let found = endsAt(index.exact, index.exactHost, bytes, start, end);
  if (found === 0) found = longest(index.suffix, index.suffixHost, bytes, end - 1, start - 1, -1);
  if (found === 0) found = longest(index.prefix, index.prefixHost, bytes, start, end, 1);
  return (found === 0 ? index.any : found) - 1;
}

/** End of the authority without its port; an IPv6 literal keeps its brackets. */
export function endOfHost(bytes: Uint8Array, start: number, end: number): number {
  for (let at = end - 1; at >= start; at--) {
    const byte = bytes[at] as number;
    if (byte === COLON) return at;
    if (byte === BRACKET || byte < 48 || byte > 57) return end;
  }
  return end;
}

interface Claim {
  readonly key: Uint8Array;
  readonly host: number;
}

function place(claims: readonly Claim[]): { trie: ByteTrie; host: Int32Array } {
  const built = buildTrie(
    claims.map((claim) => claim.key),
    true,
  );
  const host = new Int32Array(built.count);
  built.nodes.forEach((node, i) => {
    host[node] = claims[i]?.host ?? 0;
  });
  return { trie: built.trie, host };
}

function endsAt(trie: ByteTrie, values: Int32Array, bytes: Uint8Array, start: number, end: number): number {
  let node = 0;
  for (let at = start; at < end; at += edgeLength(trie, node)) {
    node = descend(trie, node, bytes, at, end, 1);
    if (node === 0) return 0;
  }
  return values[node] as number;
}

/** The value of the longest key that leaves at least one byte of the host for the `*`. */
function longest(
  trie: ByteTrie,
  values: Int32Array,
  bytes: Uint8Array,
  from: number,
  end: number,
  step: 1 | -1,
): number {
  let found = 0;
  let node = 0;
  for (let at = from; at !== end; at += step * edgeLength(trie, node)) {
    const value = values[node] as number;
    if (value !== 0) found = value;
    node = descend(trie, node, bytes, at, end, step);
    if (node === 0) return found;
  }
  return found;
}
