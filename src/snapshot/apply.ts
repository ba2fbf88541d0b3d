/**
 * One difference of configuration applied to a snapshot. What is refused keeps its last good version, what did not change
 * stays the same object, and the caller learns the reason for each refusal by name: the NACK.
 */
import { messageOf } from '../core/errors.ts';
import type { ReceivedResource, Refusal, XdsDelta } from '../xds/client/received.ts';
import { ADS, type ResourceSource } from '../xds/client/resource-source.ts';
import { TYPE_URLS } from '../xds/resource.ts';
import type { FilterModules } from './read/http-filters.ts';
import { invalid, unsupported } from './read/problem.ts';
import { MESH_TERMS, type Terms } from './read/terms.ts';
import { readCluster } from './read/read-cluster.ts';
import { readEndpoints } from './read/read-endpoints.ts';
import { readListener } from './read/read-listener.ts';
import { readRoutes, readVirtualHost } from './read/read-routes.ts';
import { readSecret } from './read/read-secret.ts';
import type { RouteTable, VirtualHost } from './route-table.ts';
import { secretSource } from './secret-name.ts';
import type {
  ClusterConfig,
  EndpointSet,
  FilterChain,
  ListenerConfig,
  Secret,
  Snapshot,
  TlsSettings,
} from './snapshot.ts';

export const EMPTY_SNAPSHOT: Snapshot = {
  listeners: new Map(),
  routes: new Map(),
  virtualHosts: new Map(),
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
  terms: Terms = MESH_TERMS,
): { readonly next: Snapshot; readonly refused: readonly Refusal[] } {
  const draft = new Draft(last);
  const refused: Refusal[] = [];
  for (const name of delta.removed) draft.remove(delta.type, name);
  for (const resource of delta.changed) {
    const before = last.bytes.get(resourceKey(resource.type, resource.name));
    if (before !== undefined && Buffer.compare(before.bytes, resource.bytes) === 0) {
      // A state of the world has one version for all: what was read stays the same object.
      if (before.version !== resource.version) draft.renew(resource);
      continue;
    }
    try {
      const entry = readResource(resource, modules, terms);
      for (const [where, source] of sourcesOf(entry)) {
        if (!terms.asks(source)) throw unsupported(where, `this proxy does not ask ${sourceText(source)}`);
      }
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

export function splitKey(key: string): readonly [type: string, name: string] {
  const space = key.indexOf(' ');
  return [key.slice(0, space), key.slice(space + 1)];
}

type Kind = Exclude<keyof Snapshot, 'bytes'>;

const KINDS: ReadonlyMap<string, Kind> = new Map([
  [TYPE_URLS.listener, 'listeners'],
  [TYPE_URLS.routes, 'routes'],
  [TYPE_URLS.virtualHosts, 'virtualHosts'],
  [TYPE_URLS.cluster, 'clusters'],
  [TYPE_URLS.endpoints, 'endpoints'],
  [TYPE_URLS.secret, 'secrets'],
]);

type Entry = ListenerConfig | RouteTable | VirtualHost | ClusterConfig | EndpointSet | Secret;

function readResource({ type, bytes }: ReceivedResource, modules: FilterModules, terms: Terms): Entry {
  switch (KINDS.get(type)) {
    case 'listeners':
      return readListener(bytes, modules, terms);
    case 'routes':
      return readRoutes(bytes, modules);
    case 'virtualHosts':
      return readVirtualHost(bytes, modules);
    case 'clusters':
      return readCluster(bytes, terms);
    case 'endpoints':
      return readEndpoints(bytes);
    case 'secrets':
      return readSecret(bytes, terms);
    case undefined:
      throw unsupported('', `resources of type ${type} are not read by this proxy`);
  }
}

type Place = readonly [where: string, source: ResourceSource];

/** Where an entry says that others are to be asked for, with the field that says it. */
function sourcesOf(entry: Entry): readonly Place[] {
  if ('edsSource' in entry) {
    const transports = [entry.transport, ...entry.transportMatches.map(({ tls }) => tls)];
    const eds: readonly Place[] = entry.discovery === 'eds' ? [['eds_cluster_config.eds_config', entry.edsSource]] : [];
    return [...eds, ...transports.flatMap(secretPlaces)];
  }
  if (!('chains' in entry)) return [];
  const chains = entry.defaultChain === null ? entry.chains : [...entry.chains, entry.defaultChain];
  return chains.flatMap(chainPlaces);
}

function chainPlaces({ network, tls }: FilterChain): readonly Place[] {
  const routes: Place = ['rds.config_source', network.kind === 'http' ? network.routesSource : ADS];
  const hasTable = network.kind === 'http' && typeof network.routes !== 'string';
  return [...(network.kind === 'tcp' || hasTable ? [] : [routes]), ...secretPlaces(tls)];
}

function secretPlaces(tls: TlsSettings | null): readonly Place[] {
  if (tls === null) return [];
  const sources = [tls.certificate, ...(tls.extras?.moreCertificates ?? []), tls.validation].map(secretSource);
  return sources.flatMap((source): readonly Place[] => (source === null ? [] : [['sds_config', source]]));
}

function sourceText(source: ResourceSource): string {
  return source.kind === 'ads' ? 'an aggregated stream' : `${source.cluster} by ${source.protocol}`;
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

  /** The same content under another version. */
  renew(resource: ReceivedResource): void {
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
