/** The names that a snapshot refers to: what is subscribed to besides listeners and clusters, which are taken whole. */
import { applyDelta } from '../../snapshot/apply.ts';
import type { WantedOfType } from '../../xds/client/client-resources.ts';
import { ADS, type ResourceSource, sourceKey } from '../../xds/client/resource-source.ts';
import { TYPE_URLS, type TypeUrl } from '../../xds/resource.ts';
import type { ClusterConfig, FilterChain, ListenerConfig, Snapshot } from '../../snapshot/snapshot.ts';

export type WantedNames = readonly WantedOfType[];

/** In the order in which they are asked for: what routes lead to first. */
const TYPES: readonly TypeUrl[] = [TYPE_URLS.endpoints, TYPE_URLS.routes, TYPE_URLS.secret];

/** Of several snapshots together: what is served now, and what is about to be. */
export function wantedNames(snapshots: readonly Snapshot[]): WantedNames {
  const groups = new Map<string, { type: TypeUrl; source: ResourceSource; names: Set<string> }>();
  const add = (type: TypeUrl, name: string, source: ResourceSource): void => {
    const key = `${type} ${sourceKey(source)}`;
    let group = groups.get(key);
    if (group === undefined) {
      group = { type, source, names: new Set() };
      groups.set(key, group);
    }
    group.names.add(name);
  };
  for (const snapshot of snapshots) {
    for (const cluster of snapshot.clusters.values()) {
      if (cluster.discovery === 'eds') add(TYPE_URLS.endpoints, cluster.edsName, cluster.edsSource);
      // Trust bundles. Certificates are bound by the agent and never asked for.
      for (const name of validationsOf(cluster)) add(TYPE_URLS.secret, name, ADS);
    }
    for (const listener of snapshot.listeners.values()) {
      for (const { tls, network } of chainsOf(listener)) {
        if (network.kind === 'http' && typeof network.routes === 'string') {
          add(TYPE_URLS.routes, network.routes, network.routesSource);
        }
        if (tls !== null && tls.validation !== '') add(TYPE_URLS.secret, tls.validation, ADS);
      }
    }
  }
  return [...groups.values()].sort((a, b) => TYPES.indexOf(a.type) - TYPES.indexOf(b.type));
}

/** What is received, without what nothing refers to; `received` itself when all is wanted. */
export function keepWanted(received: Snapshot, wanted: WantedNames): Snapshot {
  let kept = received;
  for (const type of TYPES) {
    const resources = [...received.bytes.values()].filter((resource) => resource.type === type);
    const removed = resources.flatMap(({ name }) => (isWanted(wanted, type, name) ? [] : [name]));
    if (removed.length > 0) kept = applyDelta(kept, { type, changed: [], removed }, new Map()).next;
  }
  return kept;
}

export function isWanted(wanted: WantedNames, type: string, name: string): boolean {
  return wanted.some((each) => each.type === type && each.names.has(name));
}

export function chainsOf(listener: ListenerConfig): readonly FilterChain[] {
  return listener.defaultChain === null ? listener.chains : [...listener.chains, listener.defaultChain];
}

/** Trust bundles that a cluster's transports name. */
export function validationsOf(cluster: ClusterConfig): readonly string[] {
  const transports = [cluster.transport, ...cluster.transportMatches.map((match) => match.tls)];
  return transports.flatMap((tls) => (tls === null || tls.validation === '' ? [] : [tls.validation]));
}
