/**
 * Hosts that come out of requests and connections instead of the control plane: a bounded table, in which the longest
 * unused one makes room, and what nobody has used for a while is forgotten.
 */
import type { Address } from '../../core/runtime.ts';
import { Timer } from '../../core/timer-wheel.ts';
import { DEFAULT_CHECK } from '../../snapshot/health-check-config.ts';
import type { ClusterConfig, Endpoint } from '../../snapshot/snapshot.ts';
import type { Attempt } from './attempt.ts';
import { EndpointState } from './endpoint-state.ts';
import type { HostOwner } from './host-owner.ts';
import { type ChosenTransport, TransportChoice } from './transport-choice.ts';
import type { ClusterWorld } from './cluster-world.ts';

const NOWHERE = { region: '', zone: '', subZone: '' };

export abstract class RequestedHosts extends Timer {
  protected readonly world: ClusterWorld;
  readonly #owner: HostOwner;
  readonly #maxHosts: number;
  protected config: ClusterConfig;
  #transports: TransportChoice;
  /** In the order of use. */
  readonly #byKey = new Map<string, EndpointState>();
  /** How many requests each had had at the last look. */
  readonly #requestsBefore = new Map<EndpointState, number>();

  constructor(config: ClusterConfig, world: ClusterWorld, owner: HostOwner, maxHosts: number) {
    super();
    this.config = config;
    this.world = world;
    this.#owner = owner;
    this.#maxHosts = maxHosts;
    this.#transports = new TransportChoice(config, world);
  }

  /** Null when it names none, or all places are in use. */
  abstract find(attempt: Attempt): EndpointState | null;
  /** What is missing then. */
  abstract readonly whyNone: string;

  hosts(): readonly EndpointState[] {
    return [...this.#byKey.values()];
  }

  update(config: ClusterConfig): void {
    if (config === this.config) return;
    this.config = config;
    this.#transports = new TransportChoice(config, this.world);
    for (const host of this.#byKey.values()) {
      const { transport, hash } = this.#transports.of(host.endpoint);
      host.transport = transport;
      if (host.transportHash !== hash) host.replaceConnections();
      host.transportHash = hash;
    }
  }

  close(): void {
    this.#owner.timers.disarm(this);
    for (const host of this.#byKey.values()) host.leave();
  }

  /** Forgets what has not been used since the last look, and carries nothing. */
  override fire(): void {
    for (const [key, host] of this.#byKey) {
      const isUnused = host.active === 0 && this.#requestsBefore.get(host) === host.requests;
      if (isUnused) this.#forget(key, host);
      else this.#requestsBefore.set(host, host.requests);
    }
    if (this.#byKey.size > 0) this.#owner.timers.arm(this, this.config.hostCleanupMs);
  }

  protected at({ host, port }: Address): EndpointState | null {
    const key = `${host}:${port}`;
    const known = this.#byKey.get(key);
    if (known !== undefined) {
      this.#byKey.delete(key);
      this.#byKey.set(key, known);
      return known;
    }
    if (this.#byKey.size >= this.#maxHosts && !this.#evict()) {
      this.world.telemetry.limit('max_requested_hosts', this.config.name).add(1);
      return null;
    }
    const endpoint = endpointOf(key, host, port);
    const { transport, hash }: ChosenTransport = this.#transports.of(endpoint);
    const made = new EndpointState(this.#owner, endpoint, transport, hash, true);
    this.#byKey.set(key, made);
    if (!this.armed) this.#owner.timers.arm(this, this.config.hostCleanupMs);
    return made;
  }

  #evict(): boolean {
    for (const [key, host] of this.#byKey) {
      if (host.active > 0) continue;
      this.#forget(key, host);
      return true;
    }
    return false;
  }

  #forget(key: string, host: EndpointState): void {
    this.#byKey.delete(key);
    this.#requestsBefore.delete(host);
    host.leave();
  }
}

function endpointOf(key: string, host: string, port: number): Endpoint {
  return {
    key,
    address: { kind: 'socket', host, port },
    weight: 1,
    priority: 0,
    locality: NOWHERE,
    health: 'healthy',
    check: DEFAULT_CHECK,
    hostname: '',
    workload: '',
    transportLabels: {},
    labels: {},
  };
}
