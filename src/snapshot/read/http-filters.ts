/**
 * HTTP filters of a listener and their per-route configuration. A filter that this proxy does not have is dropped when
 * it is optional and refused when it is not; one that it has is read at once, so that a bad one is a NACK and no surprise.
 */
import type { AnyFilterModule } from '../../http/filter.ts';
import type { Any, FilterConfig, HttpFilter } from '../../xds/tables/messages.gen.ts';
import { FilterConfigTable } from '../../xds/tables/tables.gen.ts';
import type { FilterOverride, HttpFilterConfig } from '../route-table.ts';
import { decodeConfig } from './decode-config.ts';
import { invalid, unsupported, within } from './problem.ts';

/** By type URL of the configuration. */
export type FilterModules = ReadonlyMap<string, AnyFilterModule>;

export const ON_DEMAND_TYPE = 'type.googleapis.com/envoy.extensions.filters.http.on_demand.v3.OnDemand';
export const ROUTER_TYPE = 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router';
const FILTER_CONFIG = 'type.googleapis.com/envoy.config.route.v3.FilterConfig';

const SAYS_NOTHING = { isOptional: false, disabled: false };

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
    const config = filter.configType.value;
    if (config === undefined) throw invalid(`${at}.typed_config`, 'required');
    // Not a filter here, but what the router does where it finds nothing.
    if (config.typeUrl === ON_DEMAND_TYPE) return [];
    if (config.typeUrl === ROUTER_TYPE) throw invalid(at, 'the router must be the last filter');
    return readFilter(`${at}.typed_config`, filter.name, config, filter, modules);
  });
}

/** `typed_per_filter_config`, by filter name. */
export function readOverrides(
  where: string,
  configs: ReadonlyMap<string, Any>,
  modules: FilterModules,
): readonly FilterOverride[] {
  return [...configs].flatMap(([name, config]) => {
    const at = `${where}[${JSON.stringify(name)}]`;
    if (config.typeUrl === FILTER_CONFIG)
      return readFilterConfig(at, name, decodeConfig(FilterConfigTable, config.value), modules);
    return readFilter(at, name, config, SAYS_NOTHING, modules).map((own) => ({ name, config: own }));
  });
}

/** Envoy's way to say of a filter that it is not asked, and of a configuration that it may be unknown. */
function readFilterConfig(
  where: string,
  name: string,
  { config, isOptional, disabled }: FilterConfig,
  modules: FilterModules,
): readonly FilterOverride[] {
  if (disabled) return [{ name, config: null }];
  if (config === undefined || config.typeUrl === '')
    throw invalid(`${where}.config`, 'required, unless it is disabled');
  const own = readFilter(`${where}.config`, name, config, { isOptional, disabled: false }, modules);
  return own.map((each) => ({ name, config: each }));
}

/** The more specific level wins, by filter name. */
export function mergeOverrides(
  above: readonly FilterOverride[],
  below: readonly FilterOverride[],
): readonly FilterOverride[] {
  if (below.length === 0) return above;
  const names = new Set(below.map((override) => override.name));
  return [...above.filter((override) => !names.has(override.name)), ...below];
}

function readFilter(
  where: string,
  name: string,
  config: Any,
  { isOptional, disabled }: Pick<HttpFilter, 'isOptional' | 'disabled'>,
  modules: FilterModules,
): readonly HttpFilterConfig[] {
  const module = modules.get(config.typeUrl);
  if (module === undefined || module.layer === 'connection') {
    if (isOptional) return [];
    throw unsupported(where, `no filter of this proxy reads ${config.typeUrl}`);
  }
  within(where, () => module.read(config.value));
  return [{ name, type: config.typeUrl, config: config.value, optional: isOptional, disabled }];
}
