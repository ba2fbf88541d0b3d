/**
 * Servers of xDS that stand in a bootstrap: each is a static cluster, in clear text or TLS, whose endpoints are tried in
 * turn.
 */
import type { Net, RpcTarget } from '../../core/runtime.ts';
import type { ClusterConfig, Endpoint, Snapshot } from '../../snapshot/snapshot.ts';
import type { ResourceSource } from '../../xds/client/resource-source.ts';
import type { StreamProtocol } from '../../xds/service-paths.ts';
import type { Identity } from '../cluster/identity.ts';
import { isIpLiteral } from '../cluster/resolve-cache.ts';
import { UpstreamTransport } from '../cluster/upstream-transport.ts';
import type { XdsChannel, XdsSources } from './xds-sources.ts';

export interface BootstrapSources {
  readonly listeners: ResourceSource | null;
  readonly clusters: ResourceSource | null;
  readonly ads: { readonly protocol: StreamProtocol; readonly cluster: string } | null;
}

export interface BootstrapWorld {
  readonly net: Net;
  readonly identity: Identity;
  /** Only clusters of the bootstrap itself lead to servers. */
  readonly statics: Snapshot;
}

export function bootstrapSources({ listeners, clusters, ads }: BootstrapSources, world: BootstrapWorld): XdsSources {
  const channels = new Map<string, XdsChannel>();
  const channel = (name: string): XdsChannel | null => {
    const config = world.statics.clusters.get(name);
    if (config === undefined) return null;
    let known = channels.get(name);
    if (known === undefined) {
      known = new ClusterChannel(config, world);
      channels.set(name, known);
    }
    return known;
  };
  const aggregated = ads === null ? null : channel(ads.cluster);
  return {
    listeners,
    clusters,
    ads:
      ads === null || aggregated === null
        ? null
        : { protocol: ads.protocol, channel: aggregated, isOrdered: ads.protocol === 'sotw' },
    channel,
  };
}

class ClusterChannel implements XdsChannel {
  readonly name: string;
  readonly #world: BootstrapWorld;
  readonly #endpoints: readonly Endpoint[];
  readonly #transport: UpstreamTransport | null;
  /** Of names: what they resolved to last. */
  readonly #hosts = new Map<string, string>();
  readonly #waiting = new Set<() => void>();
  #next = 0;

  constructor(config: ClusterConfig, world: BootstrapWorld) {
    this.name = config.name;
    this.#world = world;
    this.#endpoints = config.inline?.endpoints ?? [];
    const { transport } = config;
    // gRPC is spoken over HTTP/2 and nothing else.
    const tls = transport === null ? null : { ...transport, alpn: ['h2'] };
    this.#transport = tls === null ? null : new UpstreamTransport(tls, world.identity, () => {});
  }

  target(): RpcTarget | null {
    const endpoint = this.#endpoints[this.#next % this.#endpoints.length];
    this.#next++;
    if (endpoint?.address.kind !== 'socket') return null;
    const { host: named, port } = endpoint.address;
    const host = isIpLiteral(named) ? named : this.#hosts.get(named);
    if (!isIpLiteral(named)) this.#resolve(named);
    const tls = this.#transport?.options() ?? null;
    // Fail closed: a server that is to be reached over TLS is not reached otherwise.
    if (host === undefined || (this.#transport !== null && tls === null)) return null;
    return { address: { host, port }, tls };
  }

  /** Called when a name has an address for the first time. */
  subscribe(changed: () => void): () => void {
    this.#waiting.add(changed);
    return () => this.#waiting.delete(changed);
  }

  #resolve(name: string): void {
    this.#world.net.resolve(name).then(
      ([first]) => {
        if (first === undefined) return;
        const isNew = !this.#hosts.has(name);
        this.#hosts.set(name, first.host);
        if (isNew) for (const changed of this.#waiting) changed();
      },
      () => {},
    );
  }
}
