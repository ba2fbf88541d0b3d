/** Listener → ListenerConfig. Throws a WeftError with the field path. */
import type { Address } from '../../core/runtime.ts';
import type { Listener as Message } from '../../xds/tables/messages.gen.ts';
import { TrafficDirection } from '../../xds/tables/messages.gen.ts';
import { ListenerTable } from '../../xds/tables/tables.gen.ts';
import type { FilterChain, ListenerConfig } from '../snapshot.ts';
import { readSocketAddress } from './address.ts';
import { refuseOverlaps } from './chain-match.ts';
import { decodeConfig } from './decode-config.ts';
import { readFilterChain } from './filter-chain.ts';
import type { FilterModules } from './http-filters.ts';
import { weftText } from './metadata.ts';
import { invalid, refuseSet, unsupported } from './problem.ts';
import { MESH_TERMS, type Terms } from './terms.ts';

const TLS_INSPECTOR = 'type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector';
const HTTP_INSPECTOR = 'type.googleapis.com/envoy.extensions.filters.listener.http_inspector.v3.HttpInspector';
/** Envoy's default for `listener_filters_timeout`. */
const INSPECT_MS = 15_000;

export function readListener(bytes: Uint8Array, modules: FilterModules, terms: Terms = MESH_TERMS): ListenerConfig {
  const message = decodeConfig(ListenerTable, bytes);
  refuseSet('use_original_dst', message.useOriginalDst);
  if (message.bindToPort === false) throw unsupported('bind_to_port');
  const chains = message.filterChains.map((chain, i) => readFilterChain(`filter_chains[${i}]`, chain, modules, terms));
  refuseOverlaps(chains);
  const defaultChain =
    message.defaultFilterChain === undefined
      ? null
      : readFilterChain('default_filter_chain', message.defaultFilterChain, modules, terms);
  if (chains.length === 0 && defaultChain === null) throw invalid('filter_chains', 'required');
  const inspectors = readInspectors(message);
  return {
    name: message.name,
    address: readAddress(message),
    direction: message.trafficDirection === TrafficDirection.INBOUND ? 'inbound' : 'outbound',
    chains,
    defaultChain,
    // Envoy injects the TLS inspector where chains match on what it finds.
    inspectTls: inspectors.has(TLS_INSPECTOR) || chains.some(needsTlsInspector),
    inspectHttp: inspectors.has(HTTP_INSPECTOR),
    inspectTimeoutMs: message.listenerFiltersTimeout ?? INSPECT_MS,
    continueOnInspectTimeout: message.continueOnListenerFiltersTimeout,
    origin: weftText(message.metadata, 'origin'),
  };
}

function readAddress(message: Message): Address | null {
  if (message.listenerSpecifier.case === 'internalListener') {
    if (message.address !== undefined) throw invalid('address', 'an internal listener has none');
    return null;
  }
  return readSocketAddress('address', message.address, false);
}

function readInspectors(message: Message): ReadonlySet<string> {
  return new Set(
    message.listenerFilters.map((filter, i) => {
      const type = filter.configType.value?.typeUrl ?? '';
      if (type === TLS_INSPECTOR || type === HTTP_INSPECTOR) return type;
      throw unsupported(
        `listener_filters[${i}].typed_config`,
        `no listener filter of this proxy reads ${type || 'it'}`,
      );
    }),
  );
}

function needsTlsInspector({ match }: FilterChain): boolean {
  return match.transportProtocol === 'tls' || match.serverNames.length > 0;
}
