/**
 * HTTP filters of a listener and their per-route configuration. A filter that this proxy does not have is dropped when
 * it is optional and refused when it is not; one that it has is read at once, so that a bad one is a NACK and no surprise.
 */
import type { AnyFilterModule } from '../../http/filter.ts';
import type { Any, HttpFilter } from '../../xds/tables/messages.gen.ts';
import type { HttpFilterConfig } from '../route-table.ts';
import { invalid, unsupported, within } from './problem.ts';

/** By type URL of the configuration. */
export type FilterModules = ReadonlyMap<string, AnyFilterModule>;

export const ON_DEMAND_TYPE = 'type.googleapis.com/envoy.extensions.filters.http.on_demand.v3.OnDemand';
export const ROUTER_TYPE = 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router';
const FILTER_CONFIG = 'type.googleapis.com/envoy.config.route.v3.FilterConfig';

/** The router ends the list and is not part of the result. */
export function readHttpFilters(
  where: string,
  filters: readonly HttpFilter[],
  modules: FilterModules,
): readonly HttpFilterConfig[] {
  if (filters.at(-1)?.configType.value?.typeUrl !== ROUTER_TYPE) {
    throw invalid(where, 'the last filter must be the router');
  }
  return filters.slice(0, -1).flatMap((filter, i) => {
    const at = `${where}[${i}]`;
    if (filter.disabled) throw unsupported(`${at}.disabled`);
    const config = filter.configType.value;
    if (config === undefined) throw invalid(`${at}.typed_config`, 'required');
    // Not a filter here, but what the router does where it finds nothing.
    if (config.typeUrl === ON_DEMAND_TYPE) return [];
    if (config.typeUrl === ROUTER_TYPE) throw invalid(at, 'the router must be the last filter');
    return readFilter(`${at}.typed_config`, filter.name, config, filter.isOptional, modules);
  });
}

/** `typed_per_filter_config`, by filter name. */
export function readOverrides(
  where: string,
  configs: ReadonlyMap<string, Any>,
  modules: FilterModules,
): readonly HttpFilterConfig[] {
  return [...configs].flatMap(([name, config]) => {
    const at = `${where}[${JSON.stringify(name)}]`;
    if (config.typeUrl === FILTER_CONFIG) throw unsupported(at, 'FilterConfig is not supported');
    return readFilter(at, name, config, false, modules);
  });
}

/** The more specific level wins, by filter name. */
export function mergeOverrides(
  above: readonly HttpFilterConfig[],
  below: readonly HttpFilterConfig[],
): readonly HttpFilterConfig[] {
  if (below.length === 0) return above;
  const names = new Set(below.map((override) => override.name));
  return [...above.filter((override) => !names.has(override.name)), ...below];
}

function readFilter(
  where: string,
  name: string,
  config: Any,
  optional: boolean,
  modules: FilterModules,
): readonly HttpFilterConfig[] {
  const module = modules.get(config.typeUrl);
  if (module === undefined || module.layer === 'connection') {
    if (optional) return [];
    throw unsupported(where, `no filter of this proxy reads ${config.typeUrl}`);
  }
  within(where, () => module.read(config.value));
  return [{ name, type: config.typeUrl, config: config.value, optional }];
}
