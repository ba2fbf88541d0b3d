/**
 * The part of a proxy that carries traffic, put together: a snapshot in, listeners out. Where snapshots come from is
 * not its business, so a test or a simulation drives it with snapshots of its own.
 */
import { localAddress, type OriginalDestination } from '../capture/original-destination.ts';
import { ChunkPool } from '../core/chunk-pool.ts';
import type { Counter } from '../core/counters.ts';
import { Limit } from '../core/limit.ts';
import type { Log } from '../core/log.ts';
import type { Address, Runtime } from '../core/runtime.ts';
import { CallbackTimer, type Timers } from '../core/timer-wheel.ts';
import { WallTime } from '../core/wall-time.ts';
import { FILTER_MODULES } from '../filters/all.ts';
import type { Scope } from '../http/filter.ts';
import type { SvidSource } from '../identity/svid.ts';
import type { Locality, Snapshot } from '../snapshot/snapshot.ts';
import { Callers } from './cluster/callers.ts';
import { Clusters } from './cluster/clusters.ts';
import { InternalTargets } from './cluster/internal-targets.ts';
import { ConfiguredIdentity } from './cluster/configured-identity.ts';
import type { Identity } from './cluster/identity.ts';
import { MeshIdentity } from './cluster/mesh-identity.ts';
import { OwnAddresses } from './cluster/own-addresses.ts';
import { ResolveCache } from './cluster/resolve-cache.ts';
import { ChainTls } from './listener/chain-tls.ts';
import { type BindFailure, Listeners } from './listener/listeners.ts';
import { relieve } from './listener/relieve.ts';
import { Overload } from './overload/overload.ts';
import { type Binding, createBinding } from './router/binding.ts';
import { FilterSets } from './router/filter-sets.ts';
import { IdentityFields } from './router/identity-fields.ts';
import { OnDemand } from './router/on-demand.ts';
import { RandomHex } from './router/random-hex.ts';
import type { RouterWorld } from './router/router-world.ts';
import { TraceContext } from './router/trace-context.ts';
import { AccessLog } from './telemetry/access-log.ts';
import { LogBuffer } from './telemetry/log-buffer.ts';
import { LogFiles } from './telemetry/log-files.ts';
import { LogThrottle } from '../core/log-throttle.ts';
import { Telemetry } from './telemetry/telemetry.ts';

export interface DataPlaneOptions {
  readonly runtime: Runtime;
  readonly timers: Timers;
  readonly log: Log;
  /** The service beside which this proxy stands, `catalog.shop`. */
  readonly service: string;
  /** Null: no sidecar of a mesh, TLS is what the resources say. */
  readonly svid: SvidSource | null;
  /** Roots until the control plane sends newer ones. */
  readonly trustBundlePem: string;
  /** An HTTP proxy for what leaves the mesh; null: direct. */
  readonly egressProxy: Address | null;
  /** JSON lines; null: no access log. */
  readonly accessLogPath: string | null;
  /** Downstream connections at once. Default 20,000. */
  readonly maxConnections?: number;
  /** How traffic is captured. Default: an application connects to the address that is bound. */
  readonly destination?: OriginalDestination;
  /** Where this proxy is, for zone-aware routing; null or unset: unknown. */
  readonly locality?: Locality | null;
  /** The cluster that this proxy belongs to itself; default none. */
  readonly localCluster?: string;
}

/** Health checks at once. */
const MAX_CHECKS = 64;
const MAX_CONNECTIONS = 20_000;
const ACCESS_LOG_MODE = 0o600;
const DRAIN_LOOK_MS = 50;
/** Peers that were told have left before; one that was not may have a request on its way. */
const IDLE_DRAIN_MS = 500;

export class DataPlane {
  readonly telemetry: Telemetry;
  readonly identity: Identity;
  readonly clusters: Clusters;
  readonly listeners: Listeners;
  readonly demand: OnDemand;
  readonly #own = new OwnAddresses();
  readonly #options: DataPlaneOptions;
  readonly #accessLog: AccessLog | null;
  readonly #logFiles: LogFiles;
  readonly #overload: Overload;
  readonly #unsubscribe: () => void;
  #binding: Binding | null = null;
  #draining = false;

  constructor(options: DataPlaneOptions) {
    const { runtime, timers, log, svid, egressProxy } = options;
    const { clock, random, net } = runtime;
    const telemetry = new Telemetry(options.service);
    const throttle = new LogThrottle(clock);
    const identity =
      svid === null ? new ConfiguredIdentity(clock) : new MeshIdentity(clock, svid, options.trustBundlePem);
    const internals = new InternalTargets();
    const own = this.#own;
    const dialer = { runtime, timers, resolver: new ResolveCache(net, clock), internals, own };
    this.#options = options;
    this.telemetry = telemetry;
    this.identity = identity;
    const dropped = telemetry.counters.counter('weft_access_log_lines_dropped_total');
    this.#accessLog = this.#openAccessLog(dropped);
    this.#logFiles = new LogFiles(runtime.files, timers, dropped, log);
    this.#overload = new Overload(runtime, timers, telemetry, () => relieve(this.listeners.active));
    const ids = new RandomHex(random);
    this.demand = new OnDemand(timers);
    const { locality = null, localCluster = '' } = options;
    const callers = locality === null || localCluster === '' ? null : new Callers(locality, localCluster);
    this.clusters = new Clusters({
      dialer,
      identity,
      telemetry,
      log,
      throttle,
      egressProxy,
      zone: callers ?? (locality === null ? null : { locality, callers: null }),
      callers,
      checks: new Limit('max_health_checks', MAX_CHECKS),
    });
    const router: RouterWorld = {
      runtime,
      timers,
      chunks: new ChunkPool(),
      telemetry,
      overload: this.#overload,
      accessLog: this.#accessLog,
      logFiles: this.#logFiles,
      wallTime: new WallTime(clock),
      identity,
      destination: options.destination ?? localAddress,
      internals,
      demand: this.demand,
      fields: new IdentityFields(ids),
      traces: new TraceContext(random, ids),
      log,
      throttle,
      binding: () => this.#binding as Binding, // listeners, and so requests, exist only after the first binding
    };
    const filterSets = new FilterSets(FILTER_MODULES, this.#scope());
    this.listeners = new Listeners({
      router,
      own,
      connections: new Limit('max_downstream_connections', options.maxConnections ?? MAX_CONNECTIONS),
      chainTls: new ChainTls(identity),
      filters: (manager) => filterSets.of(manager),
      connectionFilters: (chain) => filterSets.ofConnection(chain),
    });
    this.#unsubscribe = svid?.subscribe(() => this.clusters.identityChanged()) ?? (() => {});
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** An address of this process that no request is forwarded to as to a host outside of the mesh. */
  keepOut(address: Address): void {
    this.#own.add(address);
  }

  /** What acts on the snapshot; `use` takes it into use. */
  bind(snapshot: Snapshot): Binding {
    return createBinding(snapshot, this.clusters.apply(snapshot));
  }

  /** Requests from now on run on it. Resolves when its listeners are bound, or have failed and are tried again. */
  use(binding: Binding): Promise<readonly BindFailure[]> {
    this.#binding = binding;
    return this.listeners.apply(binding.snapshot);
  }

  /**
   * Resolves when the inbound requests have been answered and no more come, or after `graceMs`: for somebody who has
   * told the callers that this workload leaves. Nothing is refused meanwhile.
   */
  async settle(graceMs: number): Promise<void> {
    const { clock } = this.#options.runtime;
    const until = clock.now() + graceMs;
    // Twice, because what a caller sent before it knew may lie unread at the first look.
    for (let quiet = 0; quiet < 2 && clock.now() < until; ) {
      await this.#sleep(DRAIN_LOOK_MS);
      const busy = this.listeners.active.some((each) => each.config.direction === 'inbound' && each.busy > 0);
      quiet = busy ? 0 : quiet + 1;
    }
  }

  /** Connections, by default inbound ones, end after the exchange that they carry. Resolves when none is left, or after `graceMs`. */
  async drain(graceMs: number, which: 'inbound' | 'all' = 'inbound'): Promise<void> {
    this.#draining = true;
    const { clock } = this.#options.runtime;
    const until = clock.now() + graceMs;
    const draining = this.listeners.active.filter(({ config }) => which === 'all' || config.direction === 'inbound');
    for (const listener of draining) {
      listener.draining = true;
      listener.drainServed(Math.min(IDLE_DRAIN_MS, graceMs / 2));
    }
    while (clock.now() < until && draining.some(({ connections }) => connections > 0)) {
      await this.#sleep(Math.min(DRAIN_LOOK_MS, until - clock.now()));
    }
  }

  async close(): Promise<void> {
    this.#unsubscribe();
    this.#overload.stop();
    this.demand.close();
    await this.listeners.close();
    this.clusters.close();
    await this.#accessLog?.close();
    await this.#logFiles.close();
  }

  #openAccessLog(dropped: Counter): AccessLog | null {
    const { runtime, timers, log, accessLogPath } = this.#options;
    if (accessLogPath === null) return null;
    const buffer = new LogBuffer(runtime.files, accessLogPath, timers, dropped, log, ACCESS_LOG_MODE);
    return new AccessLog(buffer, runtime.clock);
  }

  #scope(): Scope {
    const { runtime, timers } = this.#options;
    const states = new Map<string, unknown>();
    return {
      clock: runtime.clock,
      random: runtime.random,
      timers,
      counter: (name, labels) => this.telemetry.counters.counter(name, labels),
      state: <T>(key: string, make: () => T): T => {
        if (!states.has(key)) states.set(key, make());
        return states.get(key) as T; // a filter's key names its own type
      },
    };
  }

  #sleep(delayMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#options.timers.arm(new CallbackTimer(resolve), delayMs);
    return promise;
  }
}
