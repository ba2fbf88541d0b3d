/**
 * The filters of an HTTP manager, made once, and its chains for routes that override one. Modules come from above: the
 * router knows what a filter is and none by name.
 */
import type { Filter, FilterModule, Scope } from '../../http/filter.ts';
import type { HttpFilterConfig, RouteEntry } from '../../snapshot/route-table.ts';
import type { HttpManager } from '../../snapshot/snapshot.ts';
import type { FilterSet } from './downstream.ts';

const NONE: readonly Filter[] = [];

/** Sets live as long as their manager does: filters keep their state by the keys of their scope. */
export class FilterSets {
  readonly #modules: ReadonlyMap<string, FilterModule>;
  readonly #scope: Scope;
  readonly #sets = new WeakMap<HttpManager, FilterSet>();

  constructor(modules: ReadonlyMap<string, FilterModule>, scope: Scope) {
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

  #create(config: HttpFilterConfig): Filter | null {
    // The snapshot was refused if a filter without a module were required.
    const module = this.#modules.get(config.type);
    return module === undefined ? null : module.create(module.read(config.config), this.#scope);
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
    this.#base = configs.length === 0 ? NONE : configs.map(create).filter(acts);
  }

  chain(entry: RouteEntry): readonly Filter[] {
    if (entry.overrides.length === 0 || this.#configs.length === 0) return this.#base;
    const known = this.#overridden.get(entry);
    if (known !== undefined) return known;
    const merged = this.#configs.map((config) => entry.overrides.find(({ name }) => name === config.name) ?? config);
    const chain = merged.map(this.#create).filter(acts);
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
