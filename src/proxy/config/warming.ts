/**
 * Which of the received resources may serve: a cluster with its assignment, a route table with its clusters, a listener
 * with its routes; what is not ready leaves its last version in place. Pure: make before break, decided anew at each change.
 */
import { resourceKey } from '../../snapshot/apply.ts';
import type { RouteTable, WeightedCluster } from '../../snapshot/route-table.ts';
import type { ClusterConfig, ListenerConfig, Snapshot } from '../../snapshot/snapshot.ts';
import { TYPE_URLS } from '../../xds/resource.ts';
import { chainsOf, secretsOf, secretsOfCluster } from './wanted-names.ts';

export interface Warmed {
  /** `last` itself when nothing changed. */
  readonly active: Snapshot;
  /** Keys (`resourceKey`) of resources for which something waits. */
  readonly waiting: ReadonlySet<string>;
}

/** `settled`: a resource that need not be waited for any longer, because there is none or it took too long. */
export function warm(received: Snapshot, last: Snapshot, settled: (key: string) => boolean): Warmed {
  const warming = new Warming(received, last, settled);
  return { active: warming.active(), waiting: warming.waiting };
}

class Warming {
  readonly #received: Snapshot;
  readonly #last: Snapshot;
  readonly #settled: (key: string) => boolean;
  readonly waiting = new Set<string>();
  #clusters: ReadonlyMap<string, ClusterConfig> = new Map();
  #routes: ReadonlyMap<string, RouteTable> = new Map();

  constructor(received: Snapshot, last: Snapshot, settled: (key: string) => boolean) {
    this.#received = received;
    this.#last = last;
    this.#settled = settled;
  }

  active(): Snapshot {
    const { received, last } = { received: this.#received, last: this.#last };
    this.#clusters = advance(received.clusters, last.clusters, (cluster) => this.#isClusterReady(cluster));
    this.#routes = advance(received.routes, last.routes, (table) => this.#haveClusters(clustersOfTable(table)));
    const listeners = advance(received.listeners, last.listeners, (listener) => this.#isListenerReady(listener));
    const next = { ...received, clusters: this.#clusters, routes: this.#routes, listeners };
    const kinds = Object.keys(next) as (keyof Snapshot)[];
    return kinds.every((kind) => next[kind] === last[kind]) ? last : next;
  }

  #isClusterReady(cluster: ClusterConfig): boolean {
    const { endpoints } = this.#received;
    const assigned = cluster.discovery !== 'eds' || this.#has(endpoints, TYPE_URLS.endpoints, cluster.edsName);
    return this.#haveSecrets(secretsOfCluster(cluster)) && assigned;
  }

  #isListenerReady(listener: ListenerConfig): boolean {
    let ready = true;
    for (const { tls, network } of chainsOf(listener)) {
      if (!this.#haveSecrets(secretsOf(tls))) ready = false;
      if (network.kind === 'tcp') ready = this.#haveClusters(network.clusters) && ready;
      else if (typeof network.routes !== 'string') ready = this.#haveClusters(clustersOfTable(network.routes)) && ready;
      else ready = this.#hasRoutes(network.routes) && ready;
    }
    return ready;
  }

  #hasRoutes(name: string): boolean {
    // A table that has come but waits for its clusters is waited for through them.
    if (this.#received.routes.has(name)) return this.#routes.has(name);
    return this.#has(this.#received.routes, TYPE_URLS.routes, name);
  }

  #haveSecrets(secrets: readonly { readonly name: string }[]): boolean {
    let ready = true;
    for (const { name } of secrets) ready = this.#has(this.#received.secrets, TYPE_URLS.secret, name) && ready;
    return ready;
  }

  /** A cluster that was never sent is not waited for: nothing says that it will come. */
  #haveClusters(clusters: readonly WeightedCluster[]): boolean {
    return clusters.every(({ name }) => this.#clusters.has(name) || !this.#received.clusters.has(name));
  }

  #has(map: ReadonlyMap<string, unknown>, type: string, name: string): boolean {
    if (map.has(name)) return true;
    const key = resourceKey(type, name);
    if (this.#settled(key)) return true;
    this.waiting.add(key);
    return false;
  }
}

/** What is received and ready, else what served before; `last` itself when that is the same. */
function advance<T>(
  received: ReadonlyMap<string, T>,
  last: ReadonlyMap<string, T>,
  isReady: (entry: T) => boolean,
): ReadonlyMap<string, T> {
  const next = new Map<string, T>();
  for (const [name, entry] of received) {
    const before = last.get(name);
    if (entry === before || isReady(entry)) next.set(name, entry);
    else if (before !== undefined) next.set(name, before);
  }
  const same = next.size === last.size && [...next].every(([name, entry]) => last.get(name) === entry);
  return same ? last : next;
}

function clustersOfTable(table: RouteTable): readonly WeightedCluster[] {
  return table.entries.flatMap(({ action }) => (action.kind === 'forward' ? action.clusters : []));
}
