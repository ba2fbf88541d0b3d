/**
 * The proxy's configuration, from the control plane or the disk to the Binding that requests run on: what arrives is
 * read and validated, warmed, and swapped in whole. It keeps serving the last good state whatever happens to the stream.
 */
import { messageOf, WeftError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Runtime } from '../../core/runtime.ts';
import { CallbackTimer, type Timers } from '../../core/timer-wheel.ts';
import { applyDelta, EMPTY_SNAPSHOT, resourceKey, splitKey } from '../../snapshot/apply.ts';
import type { ResourceSource } from '../../xds/client/resource-source.ts';
import { MESH_TERMS, type Terms } from '../../snapshot/read/terms.ts';
import type { FilterModules } from '../../snapshot/read/http-filters.ts';
import type { Locality, Snapshot } from '../../snapshot/snapshot.ts';
import { clientStatus } from '../../xds/client/client-status.ts';
import { ClientResources } from '../../xds/client/client-resources.ts';
import type { ReceivedResource, Refusal, XdsDelta } from '../../xds/client/received.ts';
import { TYPE_URLS } from '../../xds/resource.ts';
import type { Node } from '../../xds/tables/messages.gen.ts';
import { NodeTable } from '../../xds/tables/tables.gen.ts';
import type { JsonObject } from '../../xds/wire/json.ts';
import { anyTable } from '../../xds/tables/any-tables.ts';
import { toJson } from '../../xds/wire/encode-json.ts';
import { create } from '../../xds/wire/table.ts';
import type { Binding } from '../router/binding.ts';
import type { OnDemand } from '../router/on-demand.ts';
import { type DumpQuery, dumpConfig } from './config-dump.ts';
import { ConfigStore } from './config-store.ts';
import { Demands } from './demands.ts';
import { type Arrival, warm } from './warming.ts';
import { isWanted, keepWanted, type WantedNames, wantedNames } from './wanted-names.ts';
import { XdsLinks } from './xds-links.ts';
import { canAsk, type XdsSources } from './xds-sources.ts';

/** How long a cluster or listener waits for what it refers to, as Envoy's `initial_fetch_timeout`. */
const INITIAL_FETCH_MS = 15_000;
/** A control plane that has said nothing for this long counts as away: the copy on disk serves. */
const SILENCE_MS = 2_000;
const SECRET_BUNDLE = 'trust-bundle';

/** Makes the objects that act on a snapshot. When it throws, the change is refused and the last binding stays. */
export type BindingFactory = (snapshot: Snapshot) => Binding;

export interface ConfigClientOptions {
  /** Of the program, for those who look at its control plane; unset: it is not told. */
  readonly version?: string;
  readonly runtime: Pick<Runtime, 'clock' | 'random' | 'rpc' | 'net' | 'files'>;
  readonly timers: Timers;
  readonly log: Log;
  readonly node: { readonly id: string; readonly cluster: string; readonly metadata: JsonObject };
  /** Where this proxy is: any control plane can tell it what is near; null or unset: unknown. */
  readonly locality?: Locality | null;
  /** `bundlePem`: the roots that the control plane itself has sent last; null before. */
  readonly sources: (bundlePem: () => string | null, statics: Snapshot) => XdsSources;
  /** Resources of the bootstrap: no server changes them. Default: none. */
  readonly statics?: readonly ReceivedResource[];
  /** Null: nothing is kept on disk. */
  readonly statePath: string | null;
  /** Whose word counts about TLS; default: the mesh's. */
  readonly tls?: Terms['tls'];
  readonly modules: FilterModules;
  /** Whose names are asked for besides, over an aggregated delta stream; unset, or without one: none. */
  readonly demand?: OnDemand;
  /** Whether a cluster has been chosen since this was asked last. */
  readonly takeClusterUsed?: (name: string) => boolean;
  readonly bind: BindingFactory;
  /** Takes the new binding into use; called after each change, and not before the first. */
  readonly swap: (binding: Binding) => void;
}

/** In other variants a name would take the place of all, or could not be let go of: Envoy discovers on demand here only. */
function mayDemand({ ads, clusters }: XdsSources): boolean {
  return ads?.protocol === 'delta' && (clusters === null || clusters.kind === 'ads');
}

export class ConfigClient {
  /** What is asked for because it is used. */
  readonly demands: Demands;
  readonly #options: ConfigClientOptions;
  readonly #resources: ClientResources;
  readonly #sources: XdsSources;
  readonly #node: Node;
  readonly #links: XdsLinks;
  readonly #store: ConfigStore | null;
  readonly #fetchTimer: CallbackTimer;
  readonly #silenceTimer: CallbackTimer;
  readonly #expiryTimer: CallbackTimer;
  readonly #ready = Promise.withResolvers<void>();
  #received: Snapshot = EMPTY_SNAPSHOT;
  #active: Snapshot = EMPTY_SNAPSHOT;
  #waiting: ReadonlySet<string> = new Set();
  /** When each awaited resource stops being waited for, by `Clock.now()`. */
  readonly #deadlines = new Map<string, number>();
  /** The control plane said that there is none. */
  readonly #missing = new Set<string>();
  /** Listeners have come, or it was said that there are none. */
  #begun = false;
  /** A control plane has spoken: the disk is of the past. */
  #heard = false;
  #restoring = false;
  #closed = false;
  readonly #startedAtMs: number;
  /** Keys of the bootstrap's resources. */
  readonly #statically = new Set<string>();

  constructor(options: ConfigClientOptions) {
    const { runtime, timers, log, node } = options;
    this.#options = options;
    this.#startedAtMs = runtime.clock.wall();
    this.#sources = options.sources(() => {
      const bundle = this.#received.secrets.get(SECRET_BUNDLE);
      return bundle !== undefined && 'pem' in bundle ? bundle.pem : null;
    }, this.#statics());
    const demand = mayDemand(this.#sources) ? (options.demand ?? null) : null;
    this.#node = create(NodeTable, {
      id: node.id,
      cluster: node.cluster,
      metadata: demand === null ? node.metadata : { ...node.metadata, onDemand: true },
      ...(options.locality ? { locality: options.locality } : {}),
      userAgentName: 'weft',
      ...(options.version === undefined
        ? {}
        : { userAgentVersionType: { case: 'userAgentVersion', value: options.version } as const }),
    });
    const { listeners, clusters } = this.#sources;
    // Without a place to ask there is nothing to wait for.
    this.#begun = listeners === null;
    this.#resources = new ClientResources({
      wallMs: () => runtime.clock.wall(),
      apply: (delta) => this.#apply(delta),
      listeners,
      clusters,
    });
    this.#links = new XdsLinks({
      clock: runtime.clock,
      random: runtime.random,
      rpc: runtime.rpc,
      net: runtime.net,
      timers,
      log,
      node: this.#node,
      sources: this.#sources,
      resources: this.#resources,
      onMessage: () => {
        this.#heard = true;
        this.#armExpiry();
        timers.disarm(this.#silenceTimer);
      },
      onDown: () => this.#restore(),
    });
    this.#store =
      options.statePath === null
        ? null
        : new ConfigStore({
            files: runtime.files,
            timers,
            log,
            path: options.statePath,
            held: () => this.#resources.held(),
          });
    this.#fetchTimer = new CallbackTimer(() => this.#fetchEnded());
    this.#silenceTimer = new CallbackTimer(() => this.#restore());
    this.#expiryTimer = new CallbackTimer(() => {
      this.#resources.expire();
      this.#armExpiry();
    });
    this.demands = new Demands(demand, {
      active: () => this.#active,
      isMissing: (type, name) => this.#missing.has(resourceKey(type, name)),
      takeClusterUsed: options.takeClusterUsed ?? (() => true),
      changed: () => this.#fetchEnded(),
    });
  }

  start(): void {
    if (this.#statically.size > 0) this.#rebuild(this.#received);
    this.#options.timers.arm(this.#silenceTimer, SILENCE_MS);
    this.#links.open();
  }

  /** The control plane's or the disk's configuration is in use and waits for nothing. Rejects never. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  get snapshot(): Snapshot {
    return this.#active;
  }

  /** The control plane has answered on the open stream. */
  get connected(): boolean {
    return this.#links.connected;
  }

  /** Since the last contact with the control plane; 0 while it is there. */
  get staleSeconds(): number {
    return this.#links.staleSeconds;
  }

  /** Keys of resources for which a cluster or listener waits. */
  get waiting(): ReadonlySet<string> {
    return this.#waiting;
  }

  /** envoy.admin.v3.ConfigDump in JSON. */
  configDump(query: DumpQuery): JsonObject {
    return dumpConfig(
      {
        bootstrap: { node: toJson(NodeTable, this.#node, anyTable) },
        statics: this.#options.statics ?? [],
        loadedAtMs: this.#startedAtMs,
        states: this.#resources.states(),
        isWarming: (type, name) => this.#isWarming(type, name),
      },
      query,
    );
  }

  /** Clusters that were received and wait for what they refer to. */
  get warmingClusters(): number {
    return [...this.#received.clusters.keys()].filter((name) => this.#isWarming(TYPE_URLS.cluster, name)).length;
  }

  #isWarming(type: string, name: string): boolean {
    if (type === TYPE_URLS.cluster) return this.#received.clusters.get(name) !== this.#active.clusters.get(name);
    return type === TYPE_URLS.listener && this.#received.listeners.get(name) !== this.#active.listeners.get(name);
  }

  /** An encoded envoy.service.status.v3.ClientStatusResponse. */
  status(withContents: boolean): Uint8Array {
    return clientStatus(this.#node, this.#resources.states(), withContents);
  }

  /** Ends the stream and writes what is due to disk. The binding stays in use. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#options.timers.disarm(this.#fetchTimer);
    this.#options.timers.disarm(this.#silenceTimer);
    this.#options.timers.disarm(this.#expiryTimer);
    this.#links.close();
    await this.#store?.close();
  }

  #apply(delta: XdsDelta): readonly Refusal[] {
    const { modules, log } = this.#options;
    const { next, refused: unread } = applyDelta(this.#received, this.#withoutStatics(delta), modules, this.#terms);
    const refused = [...unread, ...this.#clashes(delta)];
    // Of what is taken whole, and was not asked for on use, that it is gone says nothing about what is still wanted.
    const isWhole = delta.type === TYPE_URLS.cluster || delta.type === TYPE_URLS.listener;
    const asked = isWhole ? delta.removed.filter((name) => this.demands.has(delta.type, name)) : delta.removed;
    for (const name of asked) this.#missing.add(resourceKey(delta.type, name));
    for (const { name } of delta.changed) this.#missing.delete(resourceKey(delta.type, name));
    for (const { name, reason } of refused) log.warn('configuration refused', { type: delta.type, name, reason });
    if (delta.type === TYPE_URLS.listener) this.#begun = true;
    this.#rebuild(next);
    this.#store?.changed();
    return refused;
  }

  /** Puts the static resources in place. Throws for one that is not valid: the bootstrap was not checked. */
  #statics(): Snapshot {
    const terms: Terms = { ...this.#terms, asks: () => true };
    for (const resource of this.#options.statics ?? []) {
      const delta = { type: resource.type, changed: [resource], removed: [] };
      const { next, refused } = applyDelta(this.#received, delta, this.#options.modules, terms);
      for (const { name, reason } of refused) throw new WeftError('invalid', { what: reason, where: name });
      this.#received = next;
      this.#statically.add(resourceKey(resource.type, resource.name));
    }
    return this.#received;
  }

  get #terms(): Terms {
    const { tls = 'mesh', runtime } = this.#options;
    const asks = (source: ResourceSource): boolean => canAsk(this.#sources, source);
    return tls === 'mesh'
      ? { ...MESH_TERMS, asks }
      : { asks, tls, noOriginalDestination: () => runtime.net.originalDestinations.fault };
  }

  /** Streams of their own bring their types in no order. */
  get #arrival(): Arrival {
    const { ads, clusters } = this.#sources;
    const isOrdered = clusters?.kind === 'ads' ? ads?.isOrdered === true : clusters === null;
    return { isOrdered, onDemand: this.demands.canAsk };
  }

  #isStatic(type: string, name: string): boolean {
    return this.#statically.has(resourceKey(type, name));
  }

  #withoutStatics({ type, changed, removed }: XdsDelta): XdsDelta {
    return {
      type,
      changed: changed.filter(({ name }) => !this.#isStatic(type, name)),
      removed: removed.filter((name) => !this.#isStatic(type, name)),
    };
  }

  #clashes({ type, changed }: XdsDelta): readonly Refusal[] {
    const taken = changed.filter(({ name }) => this.#isStatic(type, name));
    return taken.map(({ name }) => ({ name, reason: 'the bootstrap has a resource of this name' }));
  }

  /** Warms what was received, binds what is ready and swaps it in. Throws what the factory throws, and changes nothing then. */
  #rebuild(received: Snapshot): void {
    const now = this.#options.runtime.clock.now();
    const settled = (key: string): boolean => this.#isSettled(key, now);
    const first = warm(received, this.#active, settled, this.#arrival);
    this.demands.forgetHosts(received);
    const wanted = wantedNames([received, first.active], this.demands);
    const kept = keepWanted(received, wanted, (type, name) => this.#isStatic(type, name));
    const { active, waiting } = kept === received ? first : warm(kept, this.#active, settled, this.#arrival);
    if (active !== this.#active) this.#options.swap(this.#options.bind(active));
    this.#received = kept;
    this.#active = active;
    this.#waiting = waiting;
    this.#want(wanted);
    this.#armFetch(now);
    this.demands.settle();
    if (this.#begun && waiting.size === 0) this.#ready.resolve();
  }

  /** Something was waited for in vain, and what waits for it goes on without; or something else is asked for. */
  #fetchEnded(): void {
    try {
      this.#rebuild(this.#received);
    } catch (error) {
      this.#options.log.error('configuration cannot be used', { error: messageOf(error) });
    }
  }

  #isSettled(key: string, now: number): boolean {
    return this.#missing.has(key) || (this.#deadlines.get(key) ?? Number.POSITIVE_INFINITY) <= now;
  }

  #want(wanted: WantedNames): void {
    this.#resources.wantOnly(wanted);
    for (const known of [this.#missing, this.#deadlines]) {
      for (const key of known.keys()) {
        const [type, name] = splitKey(key);
        if (!isWanted(wanted, type, name) && !this.#waiting.has(key)) known.delete(key);
      }
    }
    // Outside of a response (a timer, a restore) nobody else sends what became due.
    this.#links.flush();
  }

  /** Resources that their server gave an end. */
  #armExpiry(): void {
    const { timers, runtime } = this.#options;
    const next = this.#resources.nextExpiryMs;
    if (next === Number.POSITIVE_INFINITY) timers.disarm(this.#expiryTimer);
    else timers.arm(this.#expiryTimer, Math.max(1, next - runtime.clock.wall()));
  }

  #armFetch(now: number): void {
    const { timers } = this.#options;
    let nearest = Number.POSITIVE_INFINITY;
    // A deadline that has passed stays as long as its resource is wanted: it is waited for once.
    for (const key of this.#waiting) {
      const deadline = this.#deadlines.get(key) ?? now + INITIAL_FETCH_MS;
      this.#deadlines.set(key, deadline);
      nearest = Math.min(nearest, deadline);
    }
    if (nearest === Number.POSITIVE_INFINITY) timers.disarm(this.#fetchTimer);
    else timers.arm(this.#fetchTimer, nearest - now);
  }

  /** The control plane is away and nothing was ever received: serves what was last good. Once. */
  #restore(): void {
    if (this.#heard || this.#restoring || this.#store === null) return;
    this.#restoring = true;
    void this.#store.load().then((resources) => {
      if (this.#closed || this.#heard || resources.length === 0) return;
      const hosts = this.demands.remember(resources);
      this.#resources.want(TYPE_URLS.virtualHosts, hosts);
      const refused = this.#resources.restore(resources);
      if (this.demands.rememberClusters()) this.#fetchEnded();
      this.#options.log.warn('the control plane is away: serving the saved configuration', {
        resources: resources.length,
        refused: refused.length,
      });
      // A stream that is open but silent has not heard what is held now.
      this.#links.open();
    });
  }
}
