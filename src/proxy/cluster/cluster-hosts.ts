/**
 * The hosts of one cluster: their state across updates, what takes them out of service, and the choice among them. It
 * stands between the configuration, which is replaced, and the pools, which are kept.
 */
import type { SocketOptions } from '../../core/runtime.ts';
import type { Timers } from '../../core/timer-wheel.ts';
import type { PickFacts } from '../../snapshot/balance/balancer.ts';
import { HEALTH } from '../../snapshot/balance/balancer.ts';
import { readsClock } from '../../snapshot/balance/create-balancer.ts';
import { createHostBalancer, type HostBalancer } from '../../snapshot/balance/host-balancer.ts';
import type { SubsetCounts } from '../../snapshot/balance/subset-balancer.ts';
import { DEFAULT_SPREAD } from '../../snapshot/balance-config.ts';
import type { ClusterConfig, EndpointSet } from '../../snapshot/snapshot.ts';
import type { ClusterWorld } from './cluster-world.ts';
import { EndpointState } from './endpoint-state.ts';
import { HealthChecker } from './health/health-checker.ts';
import type { HostOwner, WaitedFor } from './host-owner.ts';
import { NamedHosts } from './named-hosts.ts';
import { OutlierDetector } from './outlier/outlier-detector.ts';
import { TransportChoice } from './transport-choice.ts';

const NO_ENDPOINTS: EndpointSet = { name: '', endpoints: [], ...DEFAULT_SPREAD };

export class ClusterHosts implements HostOwner {
  readonly timers: Timers;
  socket: SocketOptions | null;
  announces: 0 | 1 | 2;
  readonly #world: ClusterWorld;
  readonly #settled: () => void;
  #config: ClusterConfig;
  #transports: TransportChoice;
  #balancer: HostBalancer<EndpointState>;
  readonly subsets: SubsetCounts = {
    active: 0,
    created: 0,
    removed: 0,
    selected: 0,
    fallback: 0,
    fallbackPanic: 0,
    refused: 0,
  };
  #set: EndpointSet = NO_ENDPOINTS;
  #list: readonly EndpointState[] = [];
  #outlier: OutlierDetector | null = null;
  #checker: HealthChecker | null = null;
  #names: NamedHosts | null = null;
  #areNamesKnown = false;

  /** `settled` is told when `isSettled` may have become true. */
  constructor(config: ClusterConfig, world: ClusterWorld, settled: () => void) {
    this.timers = world.dialer.timers;
    this.socket = config.socket;
    this.announces = config.announces;
    this.#world = world;
    this.#config = config;
    this.#settled = settled;
    this.#transports = new TransportChoice(config, world);
    this.#balancer = createHostBalancer(config.balance, world.zone, this.subsets);
  }

  get list(): readonly EndpointState[] {
    return this.#list;
  }

  get balancer(): HostBalancer<EndpointState> {
    return this.#balancer;
  }

  get readsClock(): boolean {
    return readsClock(this.#config.balance);
  }

  /** False: names are being looked up, or hosts asked, for the first time; whoever can should wait for the answer. */
  get isSettled(): boolean {
    if (this.#config.discovery === 'strict-dns' && !this.#areNamesKnown) return false;
    return this.#checker === null || this.#checker.isSettled;
  }

  now(): number {
    return this.#world.dialer.runtime.clock.now();
  }

  update(config: ClusterConfig, set: EndpointSet): void {
    const before = this.#config;
    this.#config = config;
    if (config !== before) {
      this.#transports = new TransportChoice(config, this.#world);
      if (JSON.stringify(config.balance) !== JSON.stringify(before.balance)) {
        this.#balancer = createHostBalancer(config.balance, this.#world.zone, this.subsets);
      }
    }
    if (config.discovery === 'strict-dns') this.#watchNames(set);
    else this.#setEndpoints(set);
  }

  pick(by: PickFacts): EndpointState | null {
    return this.#balancer.pick(by);
  }

  /** Picks are planned anew; a host that is out keeps nobody waiting. */
  healthChanged(host: WaitedFor): void {
    this.#balancer.healthChanged();
    this.#tellCallers();
    if (host.health === HEALTH.unhealthy || host.health === HEALTH.leaving) host.evict();
  }

  /** The cluster has gone: what is in flight ends by itself, and nothing else moves. */
  close(): void {
    this.#names?.stop();
    this.#checker?.stop();
    this.#outlier?.stop();
    for (const host of this.#list) host.leave();
  }

  #watchNames(set: EndpointSet): void {
    const { name, dns } = this.#config;
    if (this.#names !== null) {
      this.#names.watch(set, dns);
      if (this.#areNamesKnown) this.#setEndpoints(this.#set);
      return;
    }
    this.#names = new NamedHosts(name, set, dns, this.#world, (found) => {
      this.#areNamesKnown = true;
      this.#setEndpoints(found);
      this.#settled();
    });
  }

  /** Keeps the state of endpoints whose key stays; what was connected under another transport drains. */
  #setEndpoints(set: EndpointSet): void {
    this.#set = set;
    const before = new Map(this.#list.map((host) => [host.key, host]));
    let joined = 0;
    this.#list = set.endpoints.map((endpoint) => {
      const { transport, hash } = this.#transports.of(endpoint);
      const known = before.get(endpoint.key);
      before.delete(endpoint.key);
      if (known === undefined) {
        joined++;
        return new EndpointState(this, endpoint, transport, hash);
      }
      known.endpoint = endpoint;
      known.transport = transport;
      if (known.transportHash !== hash) known.replaceConnections();
      known.transportHash = hash;
      return known;
    });
    this.#balancer.setHosts(this.#list, set);
    if (this.subsets.refused > 0)
      this.#world.telemetry.limit('max_subsets', this.#config.name).add(this.subsets.refused);
    for (const host of this.#list) host.judge();
    this.#watchHosts();
    this.#tellCallers();
    // After the new hosts are known: whoever waited for one that has left is sent to them.
    for (const gone of before.values()) gone.leave();
    const hasChanged = joined > 0 || before.size > 0;
    if (this.#config.closesOnHostChange && hasChanged) for (const host of this.#list) host.retireConnections();
  }

  #tellCallers(): void {
    const { callers } = this.#world;
    if (callers !== null && callers.cluster === this.#config.name) {
      callers.update(this.#list, this.#config.balance.panicPercent);
    }
  }

  #watchHosts(): void {
    const { name, outlier, healthCheck } = this.#config;
    if (outlier === null) {
      this.#outlier?.stop();
      this.#outlier = null;
    } else {
      this.#outlier ??= new OutlierDetector(name, outlier, this.#world);
      this.#outlier.update(outlier, this.#list);
    }
    if (healthCheck === null) {
      this.#checker?.stop();
      this.#checker = null;
    } else {
      this.#checker ??= new HealthChecker(this.#config, healthCheck, this.#world, this.#settled);
      this.#checker.update(this.#config, healthCheck, this.#list);
    }
  }
}
