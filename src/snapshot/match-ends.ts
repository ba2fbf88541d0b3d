/** The steps of a filter chain match that look at addresses: of the destination, of the caller and of who connected. */
import { type AddressRange, addressBytes, inRange } from '../core/address-range.ts';
import type { AddressMatch, FilterChain } from './snapshot.ts';

/** The two ends of a connection, before anything is read. Hosts are IP literals; what is none matches empty lists only. */
export interface Ends {
  readonly destinationHost: string;
  readonly destinationPort: number;
  readonly sourceHost: string;
  readonly sourcePort: number;
  /** Who opened the connection; another than the source where a PROXY header told who that is. */
  readonly directSourceHost: string;
}

type Chains = readonly FilterChain[];

export function byDestination(chains: Chains, { destinationHost }: Ends): Chains {
  return byLongestPrefix(chains, destinationHost, ({ destination }) => destination);
}

export function byDirectSource(chains: Chains, { directSourceHost }: Ends): Chains {
  return byLongestPrefix(chains, directSourceHost, ({ directSource }) => directSource);
}

export function bySource(chains: Chains, { sourceHost }: Ends): Chains {
  return byLongestPrefix(chains, sourceHost, ({ source }) => source);
}

export function bySourceType(chains: Chains, ends: Ends): Chains {
  const wanted = isLocal(ends) ? 'local' : 'external';
  const exact = chains.filter(({ match }) => match.addresses?.sourceType === wanted);
  return exact.length > 0 ? exact : chains.filter(({ match }) => (match.addresses?.sourceType ?? 'any') === 'any');
}

export function bySourcePort(chains: Chains, { sourcePort }: Ends): Chains {
  const exact = chains.filter(({ match }) => match.addresses?.sourcePorts.includes(sourcePort));
  return exact.length > 0 ? exact : chains.filter(({ match }) => (match.addresses?.sourcePorts ?? []).length === 0);
}

/** As Envoy sees it: the canonical loopback addresses, or both ends at one address (Utility::isSameIpOrLoopback). */
function isLocal({ sourceHost, destinationHost }: Ends): boolean {
  return sourceHost === '127.0.0.1' || sourceHost === '::1' || sourceHost === destinationHost;
}

/** Chains that name the longest range with the address in it. None at all is the same as a range of everything. */
function byLongestPrefix(
  chains: Chains,
  host: string,
  rangesOf: (match: AddressMatch) => readonly AddressRange[],
): Chains {
  if (chains.every(({ match }) => match.addresses === null || rangesOf(match.addresses).length === 0)) return chains;
  const address = addressBytes(host);
  let longest = 0;
  let found: FilterChain[] = [];
  for (const chain of chains) {
    const bits = longestIn(chain.match.addresses === null ? [] : rangesOf(chain.match.addresses), address);
    if (bits < longest) continue;
    if (bits > longest) found = [];
    longest = bits;
    found.push(chain);
  }
  return found;
}

/** Bits of the longest range that the address is in; -1: it is in none. */
function longestIn(ranges: readonly AddressRange[], address: Uint8Array | null): number {
  if (ranges.length === 0) return 0;
  let bits = -1;
  for (const range of ranges) if (range.bits > bits && inRange(range, address)) bits = range.bits;
  return bits;
}
