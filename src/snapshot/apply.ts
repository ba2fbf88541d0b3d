/**
 * One difference of configuration applied to a snapshot. What is refused keeps its last good version, what did not change
 * stays the same object, and the caller learns the reason for each refusal by name: the NACK.
 */
import { messageOf } from '../core/errors.ts';
import type { ReceivedResource, Refusal, XdsDelta } from '../xds/client/received.ts';
import { TYPE_URLS } from '../xds/resource.ts';
import type { FilterModules } from './read/http-filters.ts';
import { invalid, unsupported } from './read/problem.ts';
import { readCluster } from './read/read-cluster.ts';
import { readEndpoints } from './read/read-endpoints.ts';
import { readListener } from './read/read-listener.ts';
import { readRoutes } from './read/read-routes.ts';
import { readSecret } from './read/read-secret.ts';
import type { Snapshot } from './snapshot.ts';

export const EMPTY_SNAPSHOT: Snapshot = {
  listeners: new Map(),
  routes: new Map(),
  clusters: new Map(),
  endpoints: new Map(),
  secrets: new Map(),
  bytes: new Map(),
};

/** Returns `last` itself when nothing changed. Never throws for what a resource holds. */
export function applyDelta(
  last: Snapshot,
  delta: XdsDelta,
  modules: FilterModules,
): { readonly next: Snapshot; readonly refused: readonly Refusal[] } {
  const draft = new Draft(last);
  const refused: Refusal[] = [];
  for (const name of delta.removed) draft.remove(delta.type, name);
  for (const resource of delta.changed) {
    if (last.bytes.get(resourceKey(resource.type, resource.name))?.version === resource.version) continue;
    try {
      const entry = readResource(resource, modules);
      if (entry.name !== resource.name)
        throw invalid('name', `the resource calls itself ${JSON.stringify(entry.name)}`);
      draft.set(resource, entry);
    } catch (error) {
      refused.push({ name: resource.name, reason: messageOf(error) });
    }
  }
  return { next: draft.finish(), refused };
}

/** Key of `Snapshot.bytes`. */
export function resourceKey(type: string, name: string): string {
  return `${type} ${name}`;
}

type Kind = Exclude<keyof Snapshot, 'bytes'>;

const KINDS: ReadonlyMap<string, Kind> = new Map([
  [TYPE_URLS.listener, 'listeners'],
  [TYPE_URLS.routes, 'routes'],
  [TYPE_URLS.cluster, 'clusters'],
  [TYPE_URLS.endpoints, 'endpoints'],
  [TYPE_URLS.secret, 'secrets'],
]);

function readResource({ type, bytes }: ReceivedResource, modules: FilterModules): { readonly name: string } {
  switch (KINDS.get(type)) {
    case 'listeners':
      return readListener(bytes, modules);
    case 'routes':
      return readRoutes(bytes, modules);
    case 'clusters':
      return readCluster(bytes);
    case 'endpoints':
      return readEndpoints(bytes);
    case 'secrets':
      return readSecret(bytes);
    case undefined:
      throw unsupported('', `resources of type ${type} are not read by this proxy`);
  }
}

/** Maps of a snapshot that are copied at their first change. */
class Draft {
  readonly #last: Snapshot;
  readonly #maps = new Map<keyof Snapshot, Map<string, unknown>>();

  constructor(last: Snapshot) {
    this.#last = last;
  }

  set(resource: ReceivedResource, entry: unknown): void {
    const kind = KINDS.get(resource.type);
    if (kind === undefined) return;
    this.#map(kind).set(resource.name, entry);
    this.#map('bytes').set(resourceKey(resource.type, resource.name), resource);
  }

  remove(type: string, name: string): void {
    const kind = KINDS.get(type);
    if (kind === undefined || !this.#last[kind].has(name)) return;
    this.#map(kind).delete(name);
    this.#map('bytes').delete(resourceKey(type, name));
  }

  finish(): Snapshot {
    if (this.#maps.size === 0) return this.#last;
    return { ...this.#last, ...Object.fromEntries(this.#maps) };
  }

  #map(kind: keyof Snapshot): Map<string, unknown> {
    let map = this.#maps.get(kind);
    if (map === undefined) {
      map = new Map<string, unknown>(this.#last[kind]);
      this.#maps.set(kind, map);
    }
    return map;
  }
}
