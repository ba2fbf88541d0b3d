/** FilterChainMatch → FilterChainMatch, and whether two of them could both be meant: between those Envoy, too, does not choose. */
import { type AddressRange, inRange } from '../../core/address-range.ts';
import { readAddressRange } from '../../xds/matchers/address-range.ts';
import type { CidrRange, FilterChainMatch as Message } from '../../xds/tables/messages.gen.ts';
import { FilterChainMatch_ConnectionSourceType as SourceType } from '../../xds/tables/messages.gen.ts';
import type { AddressMatch, FilterChainMatch } from '../snapshot.ts';
import { invalid, refuseSet, unsupported } from './problem.ts';

const ANY: FilterChainMatch = {
  serverNames: [],
  transportProtocol: '',
  applicationProtocols: [],
  destinationPort: 0,
  addresses: null,
};

export function readChainMatch(where: string, message: Message | undefined): FilterChainMatch {
  if (message === undefined) return ANY;
  // Envoy has never implemented these two.
  refuseSet(`${where}.address_suffix`, message.addressSuffix);
  refuseSet(`${where}.suffix_len`, message.suffixLen);
  const transport = message.transportProtocol;
  if (transport !== '' && transport !== 'tls' && transport !== 'raw_buffer') {
    throw unsupported(`${where}.transport_protocol`, `${transport} is not detected by this proxy`);
  }
  return {
    serverNames: message.serverNames.map((name, i) => {
      if (name.indexOf('*') > 0 || (name.startsWith('*') && !name.startsWith('*.'))) {
        throw invalid(`${where}.server_names[${i}]`, `${name}: a wildcard is a whole first label`);
      }
      return name.toLowerCase();
    }),
    transportProtocol: transport,
    applicationProtocols: message.applicationProtocols,
    destinationPort: readPort(`${where}.destination_port`, message.destinationPort ?? 0),
    addresses: readAddresses(where, message),
  };
}

const SOURCE_TYPES = new Map<number, AddressMatch['sourceType']>([
  [SourceType.ANY, 'any'],
  [SourceType.SAME_IP_OR_LOOPBACK, 'local'],
  [SourceType.EXTERNAL, 'external'],
]);

function readAddresses(where: string, message: Message): AddressMatch | null {
  const sourceType = SOURCE_TYPES.get(message.sourceType);
  if (sourceType === undefined) throw unsupported(`${where}.source_type`, 'no type of source has this number');
  const addresses: AddressMatch = {
    destination: readRanges(`${where}.prefix_ranges`, message.prefixRanges),
    directSource: readRanges(`${where}.direct_source_prefix_ranges`, message.directSourcePrefixRanges),
    sourceType,
    source: readRanges(`${where}.source_prefix_ranges`, message.sourcePrefixRanges),
    sourcePorts: message.sourcePorts.map((port, i) => {
      if (port === 0) throw invalid(`${where}.source_ports[${i}]`, '0 is not a port');
      return readPort(`${where}.source_ports[${i}]`, port);
    }),
  };
  const asks = Object.values(addresses).some((each) => each !== 'any' && each.length > 0);
  return asks ? addresses : null;
}

function readRanges(where: string, ranges: readonly CidrRange[]): readonly AddressRange[] {
  return ranges.map((range, i) => readAddressRange(`${where}[${i}]`, range));
}

function readPort(where: string, port: number): number {
  if (port > 65_535) throw invalid(where, `${port} is not a port`);
  return port;
}

/** Refuses chains of which one connection could be meant for both, at no step more for the one than for the other. */
export function refuseOverlaps(chains: readonly { readonly match: FilterChainMatch }[]): void {
  const byPort = new Map<number, number[]>();
  chains.forEach(({ match }, i) => {
    const others = byPort.get(match.destinationPort) ?? [];
    for (const other of others) {
      if (chains[other] !== undefined && overlap(chains[other].match, match)) {
        throw invalid(`filter_chains[${i}].filter_chain_match`, `takes what filter_chains[${other}] takes`);
      }
    }
    byPort.set(match.destinationPort, [...others, i]);
  });
}

/** Both of the same port. */
function overlap(a: FilterChainMatch, b: FilterChainMatch): boolean {
  const [ends, others] = [a.addresses ?? NO_ENDS, b.addresses ?? NO_ENDS];
  return (
    a.transportProtocol === b.transportProtocol &&
    ends.sourceType === others.sourceType &&
    share(a.serverNames, b.serverNames, isSame) &&
    share(a.applicationProtocols, b.applicationProtocols, isSame) &&
    share(ends.destination, others.destination, isSameRange) &&
    share(ends.directSource, others.directSource, isSameRange) &&
    share(ends.source, others.source, isSameRange) &&
    share(ends.sourcePorts, others.sourcePorts, isSame)
  );
}

const NO_ENDS: AddressMatch = { destination: [], directSource: [], sourceType: 'any', source: [], sourcePorts: [] };

/** None and none is the same; none beside some is less specific. */
function share<T>(a: readonly T[], b: readonly T[], same: (a: T, b: T) => boolean): boolean {
  if (a.length === 0 || b.length === 0) return a.length === b.length;
  return a.some((one) => b.some((other) => same(one, other)));
}

function isSame(a: string | number, b: string | number): boolean {
  return a === b;
}

function isSameRange(a: AddressRange, b: AddressRange): boolean {
  return a.bits === b.bits && inRange(a, b.prefix);
}
