/** Envoy's FilterChain → FilterChain: filters of the connection, one terminal network filter, and a match over what this proxy looks at. */
import type {
  Filter,
  FilterChain as Message,
  FilterChainMatch as MatchMessage,
} from '../../xds/tables/messages.gen.ts';
import type { HttpFilterConfig } from '../route-table.ts';
import type { FilterChain, FilterChainMatch } from '../snapshot.ts';
import type { FilterModules } from './http-filters.ts';
import { readHttpManager } from './http-manager.ts';
import { invalid, refuseSet, unsupported, within } from './problem.ts';
import type { Terms } from './terms.ts';
import { readTcpProxy } from './tcp-proxy.ts';
import { readDownstreamTls } from './tls-context.ts';

const HTTP_MANAGER =
  'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const TCP_PROXY = 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';

export function readFilterChain(where: string, message: Message, modules: FilterModules, terms: Terms): FilterChain {
  const last = message.filters.at(-1);
  if (last === undefined) throw invalid(`${where}.filters`, 'required');
  const config = last.configType.value;
  const at = `${where}.filters[${message.filters.length - 1}].typed_config`;
  if (config === undefined) throw invalid(at, 'required');
  if (config.typeUrl !== HTTP_MANAGER && config.typeUrl !== TCP_PROXY) {
    throw unsupported(at, `no network filter of this proxy reads ${config.typeUrl}`);
  }
  return {
    name: message.name,
    match: readMatch(`${where}.filter_chain_match`, message.filterChainMatch),
    filters: message.filters
      .slice(0, -1)
      .map((filter, i) => readConnectionFilter(`${where}.filters[${i}].typed_config`, filter, modules)),
    tls: readDownstreamTls(`${where}.transport_socket`, message.transportSocket, terms),
    network: within(at, () =>
      config.typeUrl === HTTP_MANAGER ? readHttpManager(config.value, modules, terms) : readTcpProxy(config.value),
    ),
  };
}

function readConnectionFilter(where: string, { name, configType }: Filter, modules: FilterModules): HttpFilterConfig {
  const config = configType.value;
  if (config === undefined) throw invalid(where, 'required');
  const module = modules.get(config.typeUrl);
  if (module?.layer !== 'connection') {
    throw unsupported(where, `no filter of this proxy before the last of a chain reads ${config.typeUrl}`);
  }
  within(where, () => module.read(config.value));
  return { name, type: config.typeUrl, config: config.value, optional: false };
}

const ANY: FilterChainMatch = { serverNames: [], transportProtocol: '', applicationProtocols: [], destinationPort: 0 };

function readMatch(where: string, message: MatchMessage | undefined): FilterChainMatch {
  if (message === undefined) return ANY;
  refuseSet(`${where}.prefix_ranges`, message.prefixRanges);
  refuseSet(`${where}.address_suffix`, message.addressSuffix);
  refuseSet(`${where}.suffix_len`, message.suffixLen);
  refuseSet(`${where}.source_prefix_ranges`, message.sourcePrefixRanges);
  refuseSet(`${where}.direct_source_prefix_ranges`, message.directSourcePrefixRanges);
  refuseSet(`${where}.source_ports`, message.sourcePorts);
  if (message.sourceType !== 0) throw unsupported(`${where}.source_type`);
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
    destinationPort: message.destinationPort ?? 0,
  };
}

/** Equal for chains between which Envoy, too, could not choose. */
export function matchKey(match: FilterChainMatch): string {
  return JSON.stringify([
    match.destinationPort,
    match.transportProtocol,
    [...match.serverNames].sort(),
    [...match.applicationProtocols].sort(),
  ]);
}
