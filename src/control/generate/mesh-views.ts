/**
 * Generation as publishing sees it: the view of each connected proxy out of the index, and word of which changed. A
 * view is kept up to date for as long as its proxy is connected.
 */
import type { Batch } from '../../api/source.ts';
import type { XdsView } from '../../xds/resource.ts';
import type { MeshIndex } from '../index/mesh-index.ts';
import type { ProxyNode, Urgency, Views } from '../publish/views.ts';
import { proxyView } from './proxy-view.ts';

type Listener = Parameters<Views['onChange']>[0];

export class MeshViews implements Views {
  readonly #index: MeshIndex;
  readonly #listeners = new Set<Listener>();

  constructor(index: MeshIndex) {
    this.#index = index;
  }

  /** Feeds a batch into the index and tells who may have a new view. */
  apply(batch: Batch): void {
    const stale = this.#index.apply(batch);
    const prefix = `${proxyView.name} `;
    const nodes = new Set<string>();
    for (const id of stale) if (id.startsWith(prefix)) nodes.add(id.slice(prefix.length));
    if (nodes.size === 0) return;
    const urgency: Urgency = batch.changes.every(({ key }) => key.kind === 'Workload') ? 'endpoints' : 'configuration';
    for (const changed of this.#listeners) changed(nodes, urgency);
  }

  viewOf(node: ProxyNode): XdsView {
    return this.#index.read(proxyView, { namespace: node.namespace, workload: node.workload });
  }

  onChange(changed: Listener): () => void {
    this.#listeners.add(changed);
    return () => this.#listeners.delete(changed);
  }

  release(nodeId: string): void {
    const slash = nodeId.indexOf('/');
    this.#index.release(proxyView, { namespace: nodeId.slice(0, slash), workload: nodeId.slice(slash + 1) });
  }
}
