/** Listener → ListenerConfig. Throws a WeftError with the field path. */
import type { Address } from '../../core/runtime.ts';
import type { Listener as Message } from '../../xds/tables/messages.gen.ts';
import { TrafficDirection } from '../../xds/tables/messages.gen.ts';
import { ListenerTable } from '../../xds/tables/tables.gen.ts';
import type { FilterChain, ListenerConfig } from '../snapshot.ts';
import { readAccessLogs } from './access-log.ts';
import { readSocketAddress } from './address.ts';
import { refuseOverlaps } from './chain-match.ts';
import { decodeConfig } from './decode-config.ts';
import { readFilterChain } from './filter-chain.ts';
import type { FilterModules } from './http-filters.ts';
import { readListenerFilters, refuseWithoutKernel } from './listener-filters.ts';
import { shownMetadata, weftText } from './metadata.ts';
import { invalid, refuseSet } from './problem.ts';
import { MESH_TERMS, type Terms } from './terms.ts';

/** Envoy's default for `listener_filters_timeout`. */
const INSPECT_MS = 15_000;

export function readListener(bytes: Uint8Array, modules: FilterModules, terms: Terms = MESH_TERMS): ListenerConfig {
  const message = decodeConfig(ListenerTable, bytes);
  const isBound = message.bindToPort ?? true;
  if (!isBound) refuseWithoutKernel('bind_to_port', terms);
  const chains = message.filterChains.map((chain, i) => readFilterChain(`filter_chains[${i}]`, chain, modules, terms));
  refuseOverlaps(chains);
  const defaultChain =
    message.defaultFilterChain === undefined
      ? null
      : readFilterChain('default_filter_chain', message.defaultFilterChain, modules, terms);
  if (chains.length === 0 && defaultChain === null) throw invalid('filter_chains', 'required');
  const { arrival, inspectTls, inspectHttp } = readListenerFilters(message, terms);
  return {
    name: message.name,
    ...readAddresses(message),
    isBound,
    arrival,
    direction: message.trafficDirection === TrafficDirection.INBOUND ? 'inbound' : 'outbound',
    chains,
    defaultChain,
    // Envoy injects the TLS inspector where chains match on what it finds.
    inspectTls: inspectTls || chains.some(needsTlsInspector),
    inspectHttp,
    inspectTimeoutMs: message.listenerFiltersTimeout ?? INSPECT_MS,
    continueOnInspectTimeout: message.continueOnListenerFiltersTimeout,
    accessLogs: readAccessLogs('access_log', message.accessLog, terms),
    metadata: shownMetadata(message.metadata),
    origin: weftText(message.metadata, 'origin'),
  };
}

function readAddresses(message: Message): Pick<ListenerConfig, 'address' | 'moreAddresses'> {
  if (message.listenerSpecifier.case === 'internalListener') {
    if (message.address !== undefined) throw invalid('address', 'an internal listener has none');
    refuseSet('additional_addresses', message.additionalAddresses);
    return { address: null, moreAddresses: [] };
  }
  const address = readSocketAddress('address', message.address, false);
  const seen = new Set([placeOf(address)]);
  const moreAddresses = message.additionalAddresses.map((more, i) => {
    const where = `additional_addresses[${i}].address`;
    const each = readSocketAddress(where, more.address, false);
    if (each.port !== 0 && seen.has(placeOf(each))) throw invalid(where, 'it stands before');
    seen.add(placeOf(each));
    return each;
  });
  return { address, moreAddresses };
}

function placeOf({ host, port }: Address): string {
  return `${host}:${port}`;
}

function needsTlsInspector({ match }: FilterChain): boolean {
  return match.transportProtocol === 'tls' || match.serverNames.length > 0;
}
