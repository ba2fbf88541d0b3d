/**
 * One upstream service as the router sees it: limits, then balancer, then pool. Its configuration is replaced, its
 * state is kept: an object lives as long as the cluster's name does.
 */
import type { ResponseFlag } from '../../http/flags.ts';
import type { PickFacts } from '../../snapshot/balance/balancer.ts';
import { type Balancer, createBalancer } from '../../snapshot/balance/create-balancer.ts';
import type { ClusterConfig, EndpointSet } from '../../snapshot/snapshot.ts';
import type { Edge } from '../telemetry/edge.ts';
import { type Attempt, OUTCOME, type Outcome } from './attempt.ts';
import { Circuit } from './circuit.ts';
import type { ClusterWorld } from './cluster-world.ts';
import type { Dialer } from './dial.ts';
import { EndpointState } from './endpoint-state.ts';
import { ForwardHosts } from './forward-hosts.ts';
import { Http1Pool } from './pool/http1.ts';
import type { PoolHost } from './pool/pool-host.ts';
import { TcpPool } from './pool/tcp.ts';
import { TransportChoice } from './transport-choice.ts';

const NO_ENDPOINTS: EndpointSet = { name: '', endpoints: [] };

export class Cluster implements PoolHost {
  readonly name: string;
  readonly circuit: Circuit;
  readonly dialer: Dialer;
  readonly #world: ClusterWorld;
  readonly #facts: PickFacts;
  readonly #edges: (Edge | null)[] = [null, null];
  readonly #forward: ForwardHosts | null;
  #config: ClusterConfig;
  #endpoints: EndpointSet = NO_ENDPOINTS;
  #hosts: readonly EndpointState[] = [];
  /** Those that the balancer chooses from. */
  #candidates: readonly EndpointState[] = [];
  #balancer: Balancer;
  #transports: TransportChoice;

  constructor(config: ClusterConfig, world: ClusterWorld) {
    this.name = config.name;
    this.#world = world;
    this.#config = config;
    this.dialer = world.dialer;
    this.circuit = new Circuit(config.name, config.limits, world.telemetry);
    this.#balancer = createBalancer(config);
    this.#transports = new TransportChoice(config, world);
    this.#facts = { random: world.dialer.runtime.random, now: 0, avoid: [], panic: false };
    this.#forward = config.discovery === 'dynamic-forward' ? new ForwardHosts(world.egressProxy) : null;
  }

  get config(): ClusterConfig {
    return this.#config;
  }

  /** Whether this object can go on under that configuration: endpoints out of requests and out of a list do not mix. */
  isOfKind(config: ClusterConfig): boolean {
    return (config.discovery === 'dynamic-forward') === (this.#forward !== null);
  }

  get hosts(): readonly EndpointState[] {
    return this.#forward === null ? this.#hosts : this.#forward.hosts();
  }

  /** Whether requests leave through another HTTP proxy, which wants absolute targets and its own CONNECT. */
  get chained(): boolean {
    return this.#forward !== null && this.#world.egressProxy !== null;
  }

  /** Whether mTLS leads to it, as far as can be said without an endpoint. */
  get secure(): boolean {
    const host = this.hosts[0];
    return host === undefined ? this.#config.transport !== null : host.secure;
  }

  /** Keeps the state of endpoints whose key stays; what was connected under another transport drains. */
  update(config: ClusterConfig, endpoints: EndpointSet): void {
    if (config !== this.#config) {
      if (config.policy !== this.#config.policy || config.choices !== this.#config.choices) {
        this.#balancer = createBalancer(config);
      }
      if (config.service !== this.#config.service) this.#edges.fill(null);
      this.#config = config;
      this.circuit.configure(config.limits);
      this.#transports = new TransportChoice(config, this.#world);
    } else if (endpoints === this.#endpoints) {
      return;
    }
    this.#endpoints = endpoints;
    const before = new Map(this.#hosts.map((host) => [host.key, host]));
    this.#hosts = endpoints.endpoints.map((endpoint) => {
      const { transport, hash } = this.#transports.of(endpoint);
      const known = before.get(endpoint.key);
      before.delete(endpoint.key);
      if (known === undefined) return new EndpointState(endpoint, transport, hash);
      known.endpoint = endpoint;
      known.transport = transport;
      if (known.transportHash !== hash) known.retireConnections();
      known.transportHash = hash;
      return known;
    });
    for (const gone of before.values()) gone.retireConnections();
    this.#candidates = candidatesOf(this.#hosts);
  }

  /** New connections only: after a renewal of the identity, or when the cluster is gone. */
  retireConnections(onlySecure: boolean): void {
    for (const host of this.hosts) if (!onlySecure || host.transport !== null) host.retireConnections();
  }

  acquire(attempt: Attempt): void {
    const { circuit } = this;
    if (!circuit.take(circuit.requests)) {
      this.refuse(attempt, 'UO', circuit.describe(circuit.requests));
      return;
    }
    attempt.holdsSlot = true;
    const host = this.#forward === null ? this.#pick(attempt) : this.#forward.find(attempt.authority());
    attempt.endpoint = host;
    if (host === null) {
      this.refuse(attempt, 'UH', `no healthy endpoint for ${this.#config.service || this.name}`);
      return;
    }
    if (host.transport !== null && !this.#world.identity.valid) {
      attempt.endpoint = null;
      this.refuse(attempt, 'SE', this.#world.identity.fault);
      return;
    }
    host.active++;
    host.requests++;
    if (attempt.tunnel) (host.tunnels ??= new TcpPool(this, host)).open(attempt);
    else (host.http ??= new Http1Pool(this, host)).open(attempt);
  }

  /** A place for one more retry, given back with the attempt's slot; false when the budget is spent. */
  takeRetry(attempt: Attempt): boolean {
    attempt.holdsRetry = this.circuit.takeRetry();
    return attempt.holdsRetry;
  }

  /** Gives back what the attempt holds, a place in a queue included. Only the first call counts. */
  done(attempt: Attempt, outcome: Outcome): void {
    attempt.waitsIn?.cancel(attempt);
    if (attempt.holdsRetry) this.circuit.retries.give();
    attempt.holdsRetry = false;
    if (!attempt.holdsSlot) return;
    attempt.holdsSlot = false;
    this.circuit.requests.give();
    const { endpoint } = attempt;
    if (endpoint === null) return;
    endpoint.active--;
    if (outcome === OUTCOME.failed) endpoint.failures++;
  }

  refuse(attempt: Attempt, flag: ResponseFlag, detail: string): void {
    this.done(attempt, flag === 'UF' ? OUTCOME.failed : OUTCOME.cancelled);
    attempt.onRefused(flag, detail);
  }

  dialFailure(endpoint: string, reason: string): { readonly flag: ResponseFlag; readonly detail: string } {
    const { identity, throttle, log } = this.#world;
    if (!identity.valid && reason.startsWith('tls:')) return { flag: 'SE', detail: identity.fault };
    const detail = `cannot connect to ${this.#config.service || this.name} at ${endpoint}: ${reason}`;
    if (throttle.allows(`dial ${this.name}`)) log.warn(detail, { cluster: this.name, endpoint, reason });
    return { flag: 'UF', detail };
  }

  /** The edge from this workload to the cluster's service; outside of the mesh the request's authority names the destination. */
  edge(mtls: boolean, request: { authority(): string }): Edge {
    const { telemetry } = this.#world;
    if (this.#forward !== null) return telemetry.egressEdge(hostOf(request.authority()));
    const index = mtls ? 1 : 0;
    const known = this.#edges[index];
    if (known !== null && known !== undefined) return known;
    const edge = telemetry.edge('outbound', telemetry.service, this.#config.service || this.name, mtls);
    this.#edges[index] = edge;
    return edge;
  }

  #pick(attempt: Attempt): EndpointState | null {
    const facts = this.#facts;
    facts.now = this.dialer.runtime.clock.now();
    facts.avoid = attempt.avoid;
    const index = this.#balancer.pick(this.#candidates, facts);
    return index < 0 ? null : (this.#candidates[index] ?? null);
  }
}

/**
 * Hosts that the control plane calls healthy, of the most preferred priority that has any. The balancer's panic is for
 * hosts that only we think ill of: one that has left the service gets nothing.
 */
function candidatesOf(hosts: readonly EndpointState[]): readonly EndpointState[] {
  const healthy = hosts.filter((host) => host.healthy);
  const priority = Math.min(...healthy.map((host) => host.endpoint.priority));
  return healthy.filter((host) => host.endpoint.priority === priority);
}

function hostOf(authority: string): string {
  const colon = authority.lastIndexOf(':');
  return colon > authority.lastIndexOf(']') ? authority.slice(0, colon) : authority;
}
