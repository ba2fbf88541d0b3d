/**
 * Which of the received resources may serve: a cluster with its assignment, a route table with its clusters, a listener
 * with its routes; what is not ready leaves its last version in place. Pure: make before break, decided anew at each change.
 */
import { resourceKey } from '../../snapshot/apply.ts';
import type { RouteEntry, RouteTable, VirtualHost, WeightedCluster } from '../../snapshot/route-table.ts';
import type { ClusterConfig, FilterChain, ListenerConfig, Snapshot } from '../../snapshot/snapshot.ts';
import { joinHosts } from '../../snapshot/virtual-hosts.ts';
import { TYPE_URLS } from '../../xds/resource.ts';
import { chainsOf, secretsOf, secretsOfCluster } from './wanted-names.ts';

export interface Warmed {
  /** `last` itself when nothing changed. */
  readonly active: Snapshot;
  /** Keys (`resourceKey`) of resources for which something waits. */
  readonly waiting: ReadonlySet<string>;
}

/** How resources come. */
export interface Arrival {
  /** One stream brings everything in an order that is safe; else a route may come before its cluster, and go after it. */
  readonly isOrdered: boolean;
  /** Names may be asked for on use: what does so by itself is not waited for. */
  readonly onDemand: boolean;
}

const IN_ORDER: Arrival = { isOrdered: true, onDemand: false };

/** `settled`: a resource that need not be waited for any longer, because there is none or it took too long. */
export function warm(
  received: Snapshot,
  last: Snapshot,
  settled: (key: string) => boolean,
  arrival: Arrival = IN_ORDER,
): Warmed {
  const warming = new Warming(received, last, settled, arrival);
  return { active: warming.active(), waiting: warming.waiting };
}

class Warming {
  readonly #received: Snapshot;
  readonly #last: Snapshot;
  readonly #settled: (key: string) => boolean;
  readonly #arrival: Arrival;
  readonly waiting = new Set<string>();
  #clusters: ReadonlyMap<string, ClusterConfig> = new Map();
  #routes: ReadonlyMap<string, RouteTable> = new Map();

  constructor(received: Snapshot, last: Snapshot, settled: (key: string) => boolean, arrival: Arrival) {
    this.#received = received;
    this.#last = last;
    this.#settled = settled;
    this.#arrival = arrival;
  }

  active(): Snapshot {
    const { received, last } = { received: this.#received, last: this.#last };
    this.#clusters = advance(this.#offered(), last.clusters, (cluster) => this.#isClusterReady(cluster));
    const asking = this.#askingTables();
    const isTableReady = ({ name, entries }: RouteTable): boolean =>
      this.#haveClusters(clustersOf(entries), asking.has(name));
    this.#routes = advance(received.routes, last.routes, isTableReady);
    const virtualHosts = advance(received.virtualHosts, last.virtualHosts, (host) => this.#isHostReady(host));
    if (virtualHosts.size > 0)
      this.#routes = advance(joinHosts(received.routes, virtualHosts, last.routes), last.routes, isTableReady);
    const listeners = advance(received.listeners, last.listeners, (listener) => this.#isListenerReady(listener));
    const next = { ...received, clusters: this.#clusters, routes: this.#routes, virtualHosts, listeners };
    const kinds = Object.keys(next) as (keyof Snapshot)[];
    return kinds.every((kind) => next[kind] === last[kind]) ? last : next;
  }

  #isClusterReady(cluster: ClusterConfig): boolean {
    const { endpoints } = this.#received;
    const assigned = cluster.discovery !== 'eds' || this.#has(endpoints, TYPE_URLS.endpoints, cluster.edsName);
    return this.#haveSecrets(secretsOfCluster(cluster)) && assigned;
  }

  /** With the listeners inside this proxy that its tunnels lead to. */
  #isHostReady({ routes }: VirtualHost): boolean {
    const clusters = clustersOf(routes);
    if (!this.#haveClusters(clusters)) return false;
    return clusters.every(({ name }) => {
      const address = this.#clusters.get(name)?.inline?.endpoints[0]?.address;
      const listener = address?.kind === 'internal' ? this.#received.listeners.get(address.listener) : undefined;
      return listener === undefined || this.#isListenerReady(listener);
    });
  }

  #isListenerReady(listener: ListenerConfig): boolean {
    let ready = true;
    for (const { tls, network } of chainsOf(listener)) {
      if (!this.#haveSecrets(secretsOf(tls))) ready = false;
      const asks = this.#asksForClusters(network);
      if (network.kind === 'tcp') ready = this.#haveClusters(network.clusters, asks) && ready;
      else if (typeof network.routes !== 'string')
        ready = this.#haveClusters(clustersOf(network.routes.entries), asks) && ready;
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

  /** Clusters that were sent, and those that are gone already while something that serves still leads to them. */
  #offered(): ReadonlyMap<string, ClusterConfig> {
    const { clusters } = this.#received;
    if (this.#arrival.isOrdered) return clusters;
    const offered = new Map(clusters);
    for (const { name } of clustersInUse(this.#last)) {
      const before = this.#last.clusters.get(name);
      if (before === undefined || this.#has(clusters, TYPE_URLS.cluster, name)) continue;
      offered.set(name, before);
    }
    return offered;
  }

  /** Route tables of which every user asks for the clusters that it lacks. */
  #askingTables(): ReadonlySet<string> {
    if (this.#arrival.isOrdered || !this.#arrival.onDemand) return new Set();
    const users = [...this.#received.listeners.values()].flatMap(chainsOf).flatMap(({ network }) => {
      if (network.kind === 'tcp' || typeof network.routes !== 'string') return [];
      return [{ table: network.routes, asks: this.#asksForClusters(network) }];
    });
    const others = new Set(users.flatMap(({ table, asks }) => (asks ? [] : [table])));
    return new Set(users.flatMap(({ table }) => (others.has(table) ? [] : [table])));
  }

  #asksForClusters(network: FilterChain['network']): boolean {
    return this.#arrival.onDemand && (network.kind === 'tcp' ? network.demandMs > 0 : network.clustersOnDemand);
  }

  /**
   * A cluster that an ordered stream never sent is not waited for: nothing says that it will come. Nor is one (`onDemand`)
   * that comes when the first request asks for it.
   */
  #haveClusters(clusters: readonly WeightedCluster[], onDemand = false): boolean {
    let ready = true;
    for (const { name } of clusters) {
      if (this.#clusters.has(name)) continue;
      if (this.#received.clusters.has(name)) ready = false;
      else if (!this.#arrival.isOrdered && !onDemand)
        ready = this.#has(this.#clusters, TYPE_URLS.cluster, name) && ready;
    }
    return ready;
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

function clustersInUse({ routes, listeners }: Snapshot): readonly WeightedCluster[] {
  const chains = [...listeners.values()].flatMap(chainsOf);
  const inline = chains.flatMap(({ network }) => {
    if (network.kind === 'tcp') return network.clusters;
    return typeof network.routes === 'string' ? [] : clustersOf(network.routes.entries);
  });
  return [...[...routes.values()].flatMap(({ entries }) => clustersOf(entries)), ...inline];
}

function clustersOf(entries: readonly RouteEntry[]): readonly WeightedCluster[] {
  return entries.flatMap(({ action }) =>
    action.kind === 'forward' ? action.clusters.filter(({ name }) => name !== '') : [],
  );
}
