/** Envoy's FilterChain → FilterChain: filters of the connection, one terminal network filter, and a match. */
import type { Filter, FilterChain as Message } from '../../xds/tables/messages.gen.ts';
import type { HttpFilterConfig } from '../route-table.ts';
import type { FilterChain } from '../snapshot.ts';
import { readChainMatch } from './chain-match.ts';
import type { FilterModules } from './http-filters.ts';
import { readHttpManager } from './http-manager.ts';
import { invalid, unsupported, within } from './problem.ts';
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
    match: readChainMatch(`${where}.filter_chain_match`, message.filterChainMatch),
    filters: message.filters
      .slice(0, -1)
      .map((filter, i) => readConnectionFilter(`${where}.filters[${i}].typed_config`, filter, modules)),
    tls: readDownstreamTls(`${where}.transport_socket`, message.transportSocket, terms),
    network: within(at, () =>
      config.typeUrl === HTTP_MANAGER
        ? readHttpManager(config.value, modules, terms)
        : readTcpProxy(config.value, terms),
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
  return { name, type: config.typeUrl, config: config.value, optional: false, disabled: false };
}
