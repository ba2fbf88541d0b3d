/**
 * What requests ask for, in the terms of what a ConfigClient holds: which names that makes, what has come of them, what
 * is still used, and what was used in an earlier run.
 */
import type { Snapshot } from '../../snapshot/snapshot.ts';
import { tableOfVirtualHost, takeUsed, virtualHostName } from '../../snapshot/virtual-hosts.ts';
import type { ReceivedResource } from '../../xds/client/received.ts';
import { TYPE_URLS } from '../../xds/resource.ts';
import type { DemandKind, DemandWaiter, OnDemand, Standing } from '../router/on-demand.ts';
import { chainsOf, type DemandedNames } from './wanted-names.ts';

export interface DemandsOptions {
  /** In use now. */
  readonly active: () => Snapshot;
  /** The control plane said that there is none. */
  readonly isMissing: (type: string, name: string) => boolean;
  readonly takeClusterUsed: (name: string) => boolean;
  /** Other names are wanted. */
  readonly changed: () => void;
}

const TYPES = { host: TYPE_URLS.virtualHosts, cluster: TYPE_URLS.cluster } as const;
const NOBODY: DemandWaiter = { demandSettled: () => {} };
const NOBODYS_PATIENCE_MS = 5_000;

export class Demands implements DemandedNames {
  readonly #demand: OnDemand | null;
  readonly #options: DemandsOptions;

  /** null: nothing is asked for. */
  constructor(demand: OnDemand | null, options: DemandsOptions) {
    this.#demand = demand;
    this.#options = options;
    demand?.attach({ changed: options.changed, takeUsed: (kind, name) => this.#takeUsed(kind, name) });
  }

  get canAsk(): boolean {
    return this.#demand !== null;
  }

  get hosts(): Iterable<string> {
    return this.#demand?.namesOf('host') ?? [];
  }

  get clusters(): Iterable<string> {
    return this.#demand?.namesOf('cluster') ?? [];
  }

  has(type: string, name: string): boolean {
    return type === TYPES.cluster && this.#demand?.has('cluster', name) === true;
  }

  /** After each change of what is in use or missing. */
  settle(): void {
    this.#demand?.settle((kind, name) => this.#standing(kind, name));
  }

  /** A table that has all its hosts has no use for those that were asked for. */
  forgetHosts({ routes }: Snapshot): void {
    const isWhole = (name: string): boolean => routes.get(tableOfVirtualHost(name))?.onDemand === false;
    this.#demand?.forget('host', [...this.hosts].filter(isWhole));
  }

  /** What was used when this was saved counts as just used. Returns the names of its virtual hosts. */
  remember(saved: readonly ReceivedResource[]): ReadonlySet<string> {
    const names = saved.flatMap(({ type, name }) => (type === TYPES.host ? [name] : []));
    this.#demand?.remember('host', names);
    return new Set(this.hosts);
  }

  /** The same of clusters that nothing but use has brought, once they are in use again. False: there are none. */
  rememberClusters(): boolean {
    if (this.#demand === null || !this.#asksForClusters) return false;
    const fromMesh = [...this.#options.active().clusters.values()].filter(({ discovery }) => discovery === 'eds');
    const names = fromMesh.map(({ name }) => name);
    this.#demand.remember('cluster', names);
    return names.length > 0;
  }

  /**
   * Asks for the virtual host of an authority as a request would, and says how it stands: `here` also where hosts are
   * not asked for, null while it is waited for.
   */
  askHost(authority: string): Standing {
    const table = [...this.#options.active().routes.values()].find(({ onDemand }) => onDemand);
    return table === undefined ? 'here' : this.#ask('host', virtualHostName(table.name, authority));
  }

  /** The same of a cluster. */
  askCluster(name: string): Standing {
    return this.#asksForClusters ? this.#ask('cluster', name) : 'here';
  }

  get #asksForClusters(): boolean {
    const chains = [...this.#options.active().listeners.values()].flatMap(chainsOf);
    return chains.some(({ network }) => network.demandMs > 0);
  }

  #ask(kind: DemandKind, name: string): Standing {
    const standing = this.#standing(kind, name);
    if (standing === null) this.#demand?.ask(kind, name, NOBODYS_PATIENCE_MS, NOBODY);
    return standing;
  }

  #standing(kind: DemandKind, name: string): Standing {
    const { active, isMissing } = this.#options;
    const { virtualHosts, clusters } = active();
    if ((kind === 'host' ? virtualHosts : clusters).has(name)) return 'here';
    return isMissing(TYPES[kind], name) ? 'gone' : null;
  }

  #takeUsed(kind: DemandKind, name: string): boolean {
    if (kind === 'cluster') return this.#options.takeClusterUsed(name);
    const host = this.#options.active().virtualHosts.get(name);
    return host !== undefined && takeUsed(host);
  }
}
