/** The names that a snapshot refers to: what is subscribed to besides listeners and clusters, which are taken whole. */
import { applyDelta } from '../../snapshot/apply.ts';
import { TYPE_URLS } from '../../xds/resource.ts';
import type { ClusterConfig, FilterChain, ListenerConfig, Snapshot } from '../../snapshot/snapshot.ts';

export interface WantedNames {
  readonly endpoints: ReadonlySet<string>;
  readonly routes: ReadonlySet<string>;
  /** Trust bundles. Certificates are bound by the agent and never asked for. */
  readonly secrets: ReadonlySet<string>;
}

/** Of several snapshots together: what is served now, and what is about to be. */
export function wantedNames(snapshots: readonly Snapshot[]): WantedNames {
  const wanted = { endpoints: new Set<string>(), routes: new Set<string>(), secrets: new Set<string>() };
  for (const snapshot of snapshots) {
    for (const cluster of snapshot.clusters.values()) {
      if (cluster.discovery === 'eds') wanted.endpoints.add(cluster.edsName);
      for (const name of validationsOf(cluster)) wanted.secrets.add(name);
    }
    for (const listener of snapshot.listeners.values()) {
      for (const { tls, network } of chainsOf(listener)) {
        if (network.kind === 'http' && typeof network.routes === 'string') wanted.routes.add(network.routes);
        if (tls !== null && tls.validation !== '') wanted.secrets.add(tls.validation);
      }
    }
  }
  return wanted;
}

/** By type URL, in the order in which they are asked for. */
export function byType(wanted: WantedNames): readonly (readonly [string, ReadonlySet<string>])[] {
  return [
    [TYPE_URLS.endpoints, wanted.endpoints],
    [TYPE_URLS.routes, wanted.routes],
    [TYPE_URLS.secret, wanted.secrets],
  ];
}

/** What is received, without what nothing refers to; `received` itself when all is wanted. */
export function keepWanted(received: Snapshot, wanted: WantedNames): Snapshot {
  let kept = received;
  for (const [type, names] of byType(wanted)) {
    const resources = [...received.bytes.values()].filter((resource) => resource.type === type);
    const removed = resources.flatMap(({ name }) => (names.has(name) ? [] : [name]));
    if (removed.length > 0) kept = applyDelta(kept, { type, changed: [], removed }, new Map()).next;
  }
  return kept;
}

export function chainsOf(listener: ListenerConfig): readonly FilterChain[] {
  return listener.defaultChain === null ? listener.chains : [...listener.chains, listener.defaultChain];
}

/** Trust bundles that a cluster's transports name. */
export function validationsOf(cluster: ClusterConfig): readonly string[] {
  const transports = [cluster.transport, ...cluster.transportMatches.map((match) => match.tls)];
  return transports.flatMap((tls) => (tls === null || tls.validation === '' ? [] : [tls.validation]));
}
