/**
 * Generation as publishing sees it: the view of each connected proxy out of the index, and word of which changed. A
 * view is kept up to date for as long as its proxy is connected, and so is what that proxy has asked for.
 */
import type { Batch } from '../../api/source.ts';
import { TYPE_URLS, type XdsView } from '../../xds/resource.ts';
import type { MeshIndex } from '../index/mesh-index.ts';
import type { OnDemandType, ProxyNode, Urgency, Views } from '../publish/views.ts';
import { DEMAND_KIND, type Demand, demandOf, demandResource, NO_DEMAND } from './on-demand/demand.ts';
import { proxyView } from './proxy-view.ts';

type Listener = Parameters<Views['onChange']>[0];

/** Hears of every batch that the index has taken, with the ids of the views that may have changed. */
type AppliedListener = (batch: Batch, stale: ReadonlySet<string>) => void;

export class MeshViews implements Views {
  readonly #index: MeshIndex;
  readonly #applied: AppliedListener;
  readonly #listeners = new Set<Listener>();
  /** Of proxies that ask for what they need, by node id. */
  readonly #wanted = new Map<string, WantedNames>();
  #demands = 0;

  /** `applied`: of what is made of the mesh beside the views of proxies. */
  constructor(index: MeshIndex, applied: AppliedListener = () => {}) {
    this.#index = index;
    this.#applied = applied;
  }

  /** Feeds a batch into the index and tells who may have a new view. */
  apply(batch: Batch): void {
    const stale = this.#feed(batch);
    const prefix = `${proxyView.name} `;
    const nodes = new Set<string>();
    for (const id of stale) if (id.startsWith(prefix)) nodes.add(id.slice(prefix.length));
    if (nodes.size === 0) return;
    const urgency: Urgency = batch.changes.every(({ key }) => key.kind === 'Workload') ? 'endpoints' : 'configuration';
    for (const changed of this.#listeners) changed(nodes, urgency);
  }

  viewOf(node: ProxyNode): XdsView {
    if (node.onDemand && !this.#wanted.has(node.id)) {
      this.#wanted.set(node.id, { names: new Map(), isBeyond: false, text: JSON.stringify(NO_DEMAND) });
      this.#demand(node, NO_DEMAND);
    } else if (!node.onDemand && this.#wanted.delete(node.id)) {
      // Another program under the same name, which asks for nothing by itself: it gets everything.
      this.#demand(node, null);
    }
    return this.#index.read(proxyView, { namespace: node.namespace, workload: node.workload });
  }

  wanted(node: ProxyNode, type: OnDemandType, names: ReadonlySet<string>): void {
    const wanted = this.#wanted.get(node.id);
    // Once it has everything it asks for nothing, and that is no reason to begin anew.
    if (wanted === undefined || wanted.isBeyond) return;
    wanted.names.set(type, names);
    const of = (each: OnDemandType): ReadonlySet<string> => wanted.names.get(each) ?? NO_NAMES;
    const demand = demandOf(of(TYPE_URLS.virtualHosts), of(TYPE_URLS.cluster), node.namespace);
    wanted.isBeyond = demand === null;
    const text = JSON.stringify(demand);
    if (text === wanted.text) return;
    wanted.text = text;
    this.#demand(node, demand);
  }

  onChange(changed: Listener): () => void {
    this.#listeners.add(changed);
    return () => this.#listeners.delete(changed);
  }

  release(nodeId: string): void {
    const slash = nodeId.indexOf('/');
    const [namespace, workload] = [nodeId.slice(0, slash), nodeId.slice(slash + 1)];
    if (this.#wanted.delete(nodeId)) this.#demand({ namespace, workload }, null);
    this.#index.release(proxyView, { namespace, workload });
  }

  /** Into the index, where it concerns this proxy's view alone; publishing asks for that view next. */
  #demand({ namespace, workload }: Pick<ProxyNode, 'namespace' | 'workload'>, demand: Demand | null): void {
    this.#demands += 1;
    const value = demand === null ? null : demandResource(namespace, workload, demand, String(this.#demands));
    const key = { kind: DEMAND_KIND, namespace, name: workload };
    this.#feed({ cursor: '', replace: false, changes: [{ key, value }] });
  }

  #feed(batch: Batch): ReadonlySet<string> {
    const stale = this.#index.apply(batch);
    this.#applied(batch, stale);
    return stale;
  }
}

interface WantedNames {
  readonly names: Map<OnDemandType, ReadonlySet<string>>;
  /** It asked for more than may be asked for. */
  isBeyond: boolean;
  /** The demand that was made of them last. */
  text: string;
}

const NO_NAMES: ReadonlySet<string> = new Set();
