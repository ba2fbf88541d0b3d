/** Which servers of xDS a proxy asks and how it reaches them: a mesh has one, a bootstrap file may name several. */
import type { RpcTarget } from '../../core/runtime.ts';
import type { ResourceSource } from '../../xds/client/resource-source.ts';
import type { StreamProtocol } from '../../xds/service-paths.ts';

/** How one server is reached. */
export interface XdsChannel {
  /** For logs. */
  readonly name: string;
  /** Asked at each connection. Null: there is nothing valid to show to the server, or nothing is known of it yet. */
  target(): RpcTarget | null;
  /** Called when streams must be opened anew. The returned function ends the subscription. */
  subscribe(changed: () => void): () => void;
}

export interface AggregatedSource {
  readonly protocol: StreamProtocol;
  readonly channel: XdsChannel;
  /** A route comes after its clusters and goes before them. Servers differ in it where they send differences. */
  readonly isOrdered: boolean;
}

export interface XdsSources {
  /** Null: none are asked for. */
  readonly listeners: ResourceSource | null;
  readonly clusters: ResourceSource | null;
  /** The aggregated stream; null: there is none. */
  readonly ads: AggregatedSource | null;
  /** The server behind a cluster of the bootstrap; null when there is none. */
  channel(cluster: string): XdsChannel | null;
}

/** Whether something may be asked for there. */
export function canAsk(sources: XdsSources, source: ResourceSource): boolean {
  return source.kind === 'ads' ? sources.ads !== null : sources.channel(source.cluster) !== null;
}
