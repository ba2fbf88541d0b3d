/**
 * The names that a snapshot refers to, and those that were asked for on use: what is subscribed to besides all listeners
 * and all clusters that the control plane sends by itself.
 */
import { applyDelta } from '../../snapshot/apply.ts';
import type { WantedOfType } from '../../xds/client/client-resources.ts';
import { secretSource } from '../../snapshot/secret-name.ts';
import { ADS, type ResourceSource, sourceKey } from '../../xds/client/resource-source.ts';
import { TYPE_URLS, type TypeUrl } from '../../xds/resource.ts';
import type { ClusterConfig, FilterChain, ListenerConfig, Snapshot, TlsSettings } from '../../snapshot/snapshot.ts';

export type WantedNames = readonly WantedOfType[];

/** In the order in which they are asked for: what routes lead to first. */
const TYPES: readonly TypeUrl[] = [TYPE_URLS.endpoints, TYPE_URLS.routes, TYPE_URLS.virtualHosts, TYPE_URLS.secret];

/** What was asked for because somebody called it. */
export interface DemandedNames {
  readonly hosts: Iterable<string>;
  readonly clusters: Iterable<string>;
}

/** Of several snapshots together: what is served now, and what is about to be. */
export function wantedNames(snapshots: readonly Snapshot[], demanded: DemandedNames): WantedNames {
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
  for (const name of demanded.clusters) add(TYPE_URLS.cluster, name, ADS);
  for (const name of demanded.hosts) add(TYPE_URLS.virtualHosts, name, ADS);
  for (const snapshot of snapshots) {
    // Said by name, so that a control plane that knows nothing of the past does not take them for unused.
    for (const { routes } of snapshot.virtualHosts.values()) {
      for (const { action } of routes) {
        if (action.kind !== 'forward') continue;
        for (const { name } of action.clusters) if (name !== '') add(TYPE_URLS.cluster, name, ADS);
        for (const { cluster } of action.mirrors) if (cluster !== '') add(TYPE_URLS.cluster, cluster, ADS);
      }
    }
    for (const cluster of snapshot.clusters.values()) {
      if (cluster.discovery === 'eds') add(TYPE_URLS.endpoints, cluster.edsName, cluster.edsSource);
      for (const { name, source } of secretsOfCluster(cluster)) add(TYPE_URLS.secret, name, source);
    }
    for (const listener of snapshot.listeners.values()) {
      for (const { tls, network } of chainsOf(listener)) {
        if (network.kind === 'http' && typeof network.routes === 'string') {
          add(TYPE_URLS.routes, network.routes, network.routesSource);
        }
        for (const { name, source } of secretsOf(tls)) add(TYPE_URLS.secret, name, source);
      }
    }
  }
  return [...groups.values()].sort((a, b) => TYPES.indexOf(a.type) - TYPES.indexOf(b.type));
}

/** What is received, without what nothing refers to; `received` itself when all is wanted. */
export function keepWanted(
  received: Snapshot,
  wanted: WantedNames,
  isStatic: (type: string, name: string) => boolean,
): Snapshot {
  let kept = received;
  for (const type of TYPES) {
    const resources = [...received.bytes.values()].filter((resource) => resource.type === type);
    const removed = resources.flatMap(({ name }) =>
      isStatic(type, name) || isWanted(wanted, type, name) ? [] : [name],
    );
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

/** A secret that is asked for. */
interface AskedSecret {
  readonly name: string;
  readonly source: ResourceSource;
}

export function secretsOfCluster(cluster: ClusterConfig): readonly AskedSecret[] {
  return [cluster.transport, ...cluster.transportMatches.map((match) => match.tls)].flatMap(secretsOf);
}

/** In a mesh the trust bundle alone: certificates are bound by the agent and never asked for. */
export function secretsOf(tls: TlsSettings | null): readonly AskedSecret[] {
  if (tls === null) return [];
  return [tls.certificate, ...(tls.extras?.moreCertificates ?? []), tls.validation].flatMap((secret) => {
    const source = secretSource(secret);
    return secret === null || source === null ? [] : [{ name: secret.name, source }];
  });
}
