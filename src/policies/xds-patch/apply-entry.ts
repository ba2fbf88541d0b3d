/** One entry of a patch on one resource, as canonical JSON of its message: where it matches, and what becomes of it. Pure. */
import type { JsonValue } from '@bufbuild/protobuf';
import { type Fragment, packedType, textOf } from './json.ts';
import type { PatchEntry } from './kind.ts';
import { type ListRule, mergeMessage } from './merge.ts';
import { type Subject, SUBJECTS } from './subject.ts';

/** An entry whose `value` was read. */
export interface ReadEntry {
  readonly entry: PatchEntry;
  readonly fragment: Fragment;
  /** As it stands in metadata. */
  readonly origin: string;
  /** Only virtual hosts of such a name are meant; unset: the name that the entry says, if it says one. */
  readonly hosts?: RegExp;
}

/** Where generation writes origins too. */
const METADATA_KEY = 'weft.mesh';

/** null: the entry removes the resource. The very `resource` that came in: it matches nothing of it. */
export type Applied = Fragment | null;

/** An item of a list in a resource, such as a route of a virtual host. */
interface Place {
  /** The field that holds the list. */
  readonly list: string;
  readonly name: string | undefined;
  readonly names?: RegExp | undefined;
}

/**
 * `resource` is of the entry's type, and its name, direction, port and service match. The origin is left in the metadata of
 * what was changed, beside what stood there.
 */
export function applyEntry(resource: Fragment, read: ReadEntry): Applied {
  const { entry, origin } = read;
  const next = applied(resource, read);
  if (next === null || next === resource) return next;
  const isMarked = (entry.on === 'Route' || entry.on === 'VirtualHost') && entry.operation !== 'remove';
  return isMarked ? next : marked(next, origin);
}

function applied(resource: Fragment, { entry, fragment, origin, hosts }: ReadEntry): Applied {
  const { match = {}, on } = entry;
  const chain: Place = { list: 'filterChains', name: match.filterChain };
  const host: Place = { list: 'virtualHosts', name: match.virtualHost, names: hosts };
  const edit = new Edit(entry, fragment, SUBJECTS[on], origin);
  switch (on) {
    case 'Listener':
    case 'Cluster':
    case 'RouteConfiguration':
      return entry.operation === 'remove' ? null : edit.merged(resource);
    case 'FilterChain':
      return edit.items(resource, chain);
    case 'VirtualHost':
      return edit.items(resource, host);
    case 'Route':
      return within(resource, host, (found) => edit.items(found, { list: 'routes', name: match.route }));
    case 'NetworkFilter':
      return within(resource, chain, (found) => edit.items(found, { list: 'filters', name: match.filter }));
    case 'HttpFilter': {
      const filters: Place = { list: 'httpFilters', name: match.filter };
      const manager = (found: Fragment): Fragment => edit.items(found, filters);
      const networked = within(resource, chain, (found) => withinManagers(found, manager));
      return match.filterChain === undefined ? withinApi(networked, manager) : networked;
    }
  }
}

class Edit {
  readonly #entry: PatchEntry;
  readonly #fragment: Fragment;
  readonly #subject: Subject;
  readonly #origin: string;

  constructor(entry: PatchEntry, fragment: Fragment, subject: Subject, origin: string) {
    this.#entry = entry;
    this.#fragment = fragment;
    this.#subject = subject;
    this.#origin = origin;
  }

  merged(into: Fragment): Fragment {
    const lists: ListRule = this.#entry.lists ?? 'append';
    return mergeMessage(this.#subject.schema, into, this.#fragment, lists);
  }

  items(holder: Fragment, place: Place): Fragment {
    const { list } = place;
    const items = itemsOf(holder, list);
    switch (this.#entry.operation) {
      case 'add':
        return this.#added(holder, list, items);
      case 'remove': {
        const left = items.filter((item) => !isAt(item, place));
        return left.length === items.length ? holder : { ...holder, [list]: left };
      }
      case 'merge':
        if (!items.some((item) => isAt(item, place))) return holder;
        return {
          ...holder,
          [list]: items.map((item) => (isAt(item, place) ? this.#noted(this.merged(item)) : item)),
        };
    }
  }

  #added(holder: Fragment, list: string, items: readonly Fragment[]): Fragment {
    const { before, after } = this.#entry;
    const beside = before ?? after;
    const found =
      beside === undefined ? this.#usualPlace(list, items.length) : items.findIndex((item) => item['name'] === beside);
    if (found === -1) return holder;
    const at = after === undefined ? found : found + 1;
    return { ...holder, [list]: [...items.slice(0, at), this.#noted(this.#fragment), ...items.slice(at)] };
  }

  /** Filters have no metadata of their own. */
  #noted(item: Fragment): Fragment {
    const { on } = this.#entry;
    return on === 'Route' || on === 'VirtualHost' ? marked(item, this.#origin) : item;
  }

  /** The last filter is the one that passes on; the first route that matches is taken. */
  #usualPlace(list: string, length: number): number {
    if (list === 'virtualHosts') return length;
    return list === 'routes' ? 0 : length - 1;
  }
}

/** `origin` behind those that the message names already. */
export function marked(message: Fragment, origin: string): Fragment {
  const metadata = (message['metadata'] ?? {}) as Fragment;
  const spaces = (metadata['filterMetadata'] ?? {}) as Fragment;
  const own = (spaces[METADATA_KEY] ?? {}) as Fragment;
  const before = own['origin'];
  const written = typeof before === 'string' && before !== '' ? `${before}, ${origin}` : origin;
  const filterMetadata = { ...spaces, [METADATA_KEY]: { ...own, origin: written } };
  return { ...message, metadata: { ...metadata, filterMetadata } };
}

/** Every item of the list with this name, changed; the very holder when none changes. */
function within(holder: Fragment, place: Place, change: (item: Fragment) => Fragment): Fragment {
  const items = itemsOf(holder, place.list);
  const next = items.map((item) => (isAt(item, place) ? change(item) : item));
  return next.every((item, index) => item === items[index]) ? holder : { ...holder, [place.list]: next };
}

function withinManagers(chain: Fragment, change: (manager: Fragment) => Fragment): Fragment {
  return within(chain, { list: 'filters', name: undefined }, (filter) => {
    const config = filter['typedConfig'];
    if (!isManager(config)) return filter;
    const next = change(config);
    return next === config ? filter : { ...filter, typedConfig: next };
  });
}

/** A listener of a gRPC client has its HTTP connection manager here. */
function withinApi(listener: Fragment, change: (manager: Fragment) => Fragment): Fragment {
  const holder = listener['apiListener'] as Fragment | undefined;
  const config = holder?.['apiListener'];
  if (!isManager(config)) return listener;
  const next = change(config);
  return next === config ? listener : { ...listener, apiListener: { ...holder, apiListener: next } };
}

function isManager(config: JsonValue | undefined): config is { [key: string]: JsonValue } {
  return packedType(config).endsWith('.HttpConnectionManager');
}

function isAt(item: Fragment, { name, names }: Place): boolean {
  return (name === undefined || item['name'] === name) && (names === undefined || names.test(textOf(item['name'])));
}

function itemsOf(holder: Fragment, list: string): readonly Fragment[] {
  return (holder[list] ?? []) as readonly Fragment[];
}
