/** What publishing needs of generation: the view of each connected proxy, and word of which views changed. */
import type { XdsView } from '../../xds/resource.ts';

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
}

/** How long a change may wait for others: endpoints answer to failures, configuration to people. */
export type Urgency = 'endpoints' | 'configuration';

export interface Views {
  /** The whole of what this proxy should have now. The same objects as last time where nothing changed. */
  viewOf(node: ProxyNode): XdsView;
  /** Calls back after a change, with the node ids whose view may have changed. Returns the unsubscription. */
  onChange(changed: (nodes: ReadonlySet<string> | 'all', urgency: Urgency) => void): () => void;
  /** The last stream of this node is gone: its view need not be kept. */
  release(nodeId: string): void;
}
