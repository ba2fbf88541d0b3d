/** What publishing needs of generation: the view of each connected proxy, and word of which views changed. */
import { TYPE_URLS, type TypeUrl, type XdsView } from '../../xds/resource.ts';

/** A proxy as it names itself, after its certificate was found to agree. */
export interface ProxyNode {
  /** `<namespace>/<workload>`. */
  readonly id: string;
  readonly namespace: string;
  readonly workload: string;
  /** The service. */
  readonly cluster: string;
  /** `weft`, `envoy` or `grpc`; empty when it did not say. */
  readonly kind: string;
  /** It said that it asks for virtual hosts and clusters as it needs them. */
  readonly onDemand: boolean;
}

/** How long a change may wait for others: endpoints answer to failures, configuration to people. */
export type Urgency = 'endpoints' | 'configuration';

export const ON_DEMAND_TYPES = [TYPE_URLS.cluster, TYPE_URLS.virtualHosts] as const satisfies readonly TypeUrl[];

export type OnDemandType = (typeof ON_DEMAND_TYPES)[number];

export interface Views {
  /** The whole of what this proxy should have now. The same objects as last time where nothing changed. */
  viewOf(node: ProxyNode): XdsView;
  /**
   * What this proxy asks for by name now, of the types that it may ask for as it needs them. Called before its names
   * are answered, and only after a change: what `viewOf` returns next may have more.
   */
  wanted?(node: ProxyNode, type: OnDemandType, names: ReadonlySet<string>): void;
  /** Calls back after a change, with the node ids whose view may have changed. Returns the unsubscription. */
  onChange(changed: (nodes: ReadonlySet<string> | 'all', urgency: Urgency) => void): () => void;
  /** The last stream of this node is gone: its view need not be kept. */
  release(nodeId: string): void;
}
