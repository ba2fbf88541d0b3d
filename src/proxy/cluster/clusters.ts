/**
 * All clusters of a proxy across snapshots: those that stay are updated in place, new ones are made, gone ones finish
 * what they carry. A binding gets its own map, so that an exchange finds the clusters that its routes name.
 */
import { DEFAULT_SPREAD } from '../../snapshot/balance-config.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import { Cluster } from './cluster.ts';
import type { ClusterWorld } from './cluster-world.ts';

export class Clusters {
  readonly #world: ClusterWorld;
  #byName: ReadonlyMap<string, Cluster> = new Map();

  constructor(world: ClusterWorld) {
    this.#world = world;
    world.callers?.watch(() => {
      for (const cluster of this.#byName.values()) cluster.replan();
    });
  }

  get current(): ReadonlyMap<string, Cluster> {
    return this.#byName;
  }

  /** The map is never changed afterwards. */
  apply(snapshot: Snapshot): ReadonlyMap<string, Cluster> {
    this.#world.identity.setSecrets(snapshot.secrets);
    const next = new Map<string, Cluster>();
    for (const [name, config] of snapshot.clusters) {
      const known = this.#byName.get(name);
      const cluster = known?.isOfKind(config) ? known : new Cluster(config, this.#world);
      const endpoints = config.discovery === 'eds' ? snapshot.endpoints.get(config.edsName) : config.inline;
      cluster.update(config, endpoints ?? { name, endpoints: [], ...DEFAULT_SPREAD });
      next.set(name, cluster);
    }
    for (const [name, cluster] of this.#byName) if (next.get(name) !== cluster) cluster.close();
    this.#byName = next;
    return next;
  }

  close(): void {
    for (const cluster of this.#byName.values()) cluster.close();
  }

  /** After a renewal: connections made under the old SVID serve out what they carry. */
  identityChanged(): void {
    this.#world.identity.refresh();
    for (const cluster of this.#byName.values()) cluster.retireConnections(true);
  }
}
