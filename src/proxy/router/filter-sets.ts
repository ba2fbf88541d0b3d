/**
 * The filters of an HTTP manager, made once, and its chains for routes that override one. Modules come from above: the
 * router knows what a filter is and none by name.
 */
import { WeftError } from '../../core/errors.ts';
import type { AnyFilterModule, ConnectionFilter, Filter, Scope } from '../../http/filter.ts';
import { effectiveFilters } from '../../snapshot/effective-filters.ts';
import type { HttpFilterConfig, RouteEntry } from '../../snapshot/route-table.ts';
import type { FilterChain, HttpManager } from '../../snapshot/snapshot.ts';
import type { FilterSet } from './downstream.ts';

const NONE: readonly Filter[] = [];
const NO_GUARDS: readonly ConnectionFilter[] = [];

/** Sets live as long as their manager does: filters keep their state by the keys of their scope. */
export class FilterSets {
  readonly #modules: ReadonlyMap<string, AnyFilterModule>;
  readonly #scope: Scope;
  readonly #sets = new WeakMap<HttpManager, FilterSet>();
  readonly #guards = new WeakMap<FilterChain, readonly ConnectionFilter[]>();

  constructor(modules: ReadonlyMap<string, AnyFilterModule>, scope: Scope) {
    this.#modules = modules;
    this.#scope = scope;
  }

  of(manager: HttpManager): FilterSet {
    const known = this.#sets.get(manager);
    if (known !== undefined) return known;
    const made = new ManagerFilters(manager.filters, (config) => this.#create(config));
    this.#sets.set(manager, made);
    return made;
  }

  ofConnection(chain: FilterChain): readonly ConnectionFilter[] {
    if (chain.filters.length === 0) return NO_GUARDS;
    const known = this.#guards.get(chain);
    if (known !== undefined) return known;
    const made = chain.filters.map((config) => this.#createForConnection(config));
    this.#guards.set(chain, made);
    return made;
  }

  #create(config: HttpFilterConfig): Filter | null {
    // The snapshot was refused if a filter without a module were required.
    const module = this.#modules.get(config.type);
    if (module === undefined || module.layer === 'connection') return null;
    return module.create(module.read(config.config), this.#scope);
  }

  #createForConnection(config: HttpFilterConfig): ConnectionFilter {
    const module = this.#modules.get(config.type);
    // As above; and a chain without its guard is no chain.
    if (module?.layer !== 'connection')
      throw new WeftError('internal', { what: `no connection filter ${config.type}` });
    return module.create(module.read(config.config), this.#scope);
  }
}

class ManagerFilters implements FilterSet {
  readonly #configs: readonly HttpFilterConfig[];
  readonly #create: (config: HttpFilterConfig) => Filter | null;
  readonly #base: readonly Filter[];
  readonly #overridden = new WeakMap<RouteEntry, readonly Filter[]>();

  constructor(configs: readonly HttpFilterConfig[], create: (config: HttpFilterConfig) => Filter | null) {
    this.#configs = configs;
    this.#create = create;
    this.#base = configs.length === 0 ? NONE : effectiveFilters(configs).map(create).filter(acts);
  }

  chain(entry: RouteEntry): readonly Filter[] {
    if (entry.overrides.length === 0 || this.#configs.length === 0) return this.#base;
    const known = this.#overridden.get(entry);
    if (known !== undefined) return known;
    const chain = effectiveFilters(this.#configs, entry.overrides).map(this.#create).filter(acts);
    this.#overridden.set(entry, chain);
    return chain;
  }
}

/** Some filters only mark a place in the list. */
function acts(filter: Filter | null): filter is Filter {
  return (
    filter !== null && (filter.onRequest !== undefined || filter.onResponse !== undefined || filter.onEnd !== undefined)
  );
}
