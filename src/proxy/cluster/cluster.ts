/**
 * One upstream service as the router sees it: limits, then balancer, then pool. Its configuration is replaced, its
 * state is kept: an object lives as long as the cluster's name does.
 */
import type { ResponseFlag } from '../../http/flags.ts';
import { ACCEPT, NO_PRIORITIES, type PickFacts } from '../../snapshot/balance/balancer.ts';
import type { SubsetCounts } from '../../snapshot/balance/subset-balancer.ts';
import { observeLatency } from '../../snapshot/balance/pick-peak-ewma.ts';
import type { ClusterConfig, EndpointSet } from '../../snapshot/snapshot.ts';
import type { Edge } from '../telemetry/edge.ts';
import { type Attempt, OUTCOME, type Outcome, type Pool } from './attempt.ts';
import { Circuit } from './circuit.ts';
import { ClusterHosts } from './cluster-hosts.ts';
import type { ClusterWorld } from './cluster-world.ts';
import type { Dialer } from './dial.ts';
import type { EndpointState } from './endpoint-state.ts';
import { FirstLook } from './first-look.ts';
import { ForwardHosts } from './forward-hosts.ts';
import { OriginalHosts } from './original-hosts.ts';
import { Http1Pool } from './pool/http1.ts';
import { Http2Pool } from './pool/http2.ts';
import type { PoolHost } from './pool/pool-host.ts';
import type { Ends } from './announcement.ts';
import { PoolsByEnds } from './pool/pools-by-ends.ts';
import { TcpPool } from './pool/tcp.ts';
import type { RequestedHosts } from './requested-hosts.ts';
import { speaks } from './speaks.ts';

/** Hosts that a waiting attempt is sent to one after the other before it is refused. */
const MAX_MOVES = 3;

export class Cluster implements PoolHost {
  readonly name: string;
  readonly circuit: Circuit;
  readonly dialer: Dialer;
  /** Somebody has chosen it since `takeUsed`. */
  isUsed = true;
  readonly #world: ClusterWorld;
  readonly #facts: PickFacts;
  readonly #edges: (Edge | null)[] = [null, null];
  /** null: the control plane names the hosts. */
  readonly #requested: RequestedHosts | null;
  readonly #hosts: ClusterHosts;
  readonly #firstLook = new FirstLook(this);
  #config: ClusterConfig;
  #endpoints: EndpointSet | null = null;

  constructor(config: ClusterConfig, world: ClusterWorld) {
    this.name = config.name;
    this.#world = world;
    this.#config = config;
    this.dialer = world.dialer;
    this.circuit = new Circuit(config.name, config.limits, world.telemetry);
    this.#hosts = new ClusterHosts(config, world, () => this.#settled());
    const { random } = world.dialer.runtime;
    this.#facts = {
      random,
      now: 0,
      hash: -1,
      avoid: [],
      leaves: NO_PRIORITIES,
      accept: ACCEPT.healthy,
      subset: null,
      panic: false,
    };
    this.#requested = this.#requestedHosts(config);
  }

  takeUsed(): boolean {
    const { isUsed } = this;
    this.isUsed = this.circuit.requests.used > 0;
    return isUsed;
  }

  get config(): ClusterConfig {
    return this.#config;
  }

  /** Whether this object can go on under that configuration: endpoints from different sources do not mix. */
  isOfKind(config: ClusterConfig): boolean {
    const { discovery } = this.#config;
    return discovery === config.discovery || (isListed(discovery) && isListed(config.discovery));
  }

  get hosts(): readonly EndpointState[] {
    return this.#requested === null ? this.#hosts.list : this.#requested.hosts();
  }

  /** What became of requests for subsets; null: the cluster has none. */
  get subsets(): SubsetCounts | null {
    return this.#config.balance.subsets === null ? null : this.#hosts.subsets;
  }

  /** How requests are spread, for those who look. */
  get plan(): ClusterHosts['balancer']['plan'] {
    return this.#hosts.balancer.plan;
  }

  /** Whether requests leave through another HTTP proxy, which wants absolute targets and its own CONNECT. */
  get chained(): boolean {
    return this.#requested instanceof ForwardHosts && this.#world.egressProxy !== null;
  }

  /** Whether mTLS leads to it, as far as can be said without an endpoint. */
  get secure(): boolean {
    const host = this.hosts[0];
    return host === undefined ? this.#config.transport !== null : host.secure;
  }

  update(config: ClusterConfig, endpoints: EndpointSet): void {
    if (config === this.#config && endpoints === this.#endpoints) return;
    if (config.service !== this.#config.service) this.#edges.fill(null);
    this.#config = config;
    this.#endpoints = endpoints;
    this.circuit.configure(config.limits);
    this.#hosts.socket = config.socket;
    this.#hosts.announces = config.announces;
    if (this.#requested === null) this.#hosts.update(config, endpoints);
    else this.#requested.update(config);
  }

  /** What its balancing goes by besides its own hosts has changed. */
  replan(): void {
    this.#hosts.balancer.healthChanged();
  }

  /** New connections only, after a renewal of the identity. */
  retireConnections(onlySecure: boolean): void {
    for (const host of this.hosts) if (!onlySecure || host.transport !== null) host.retireConnections();
  }

  /** The cluster is gone: what is in flight ends by itself. */
  close(): void {
    this.#hosts.close();
    this.#requested?.close();
    this.#firstLook.end((attempt) => this.refuse(attempt, 'NC', `the cluster ${this.name} is gone`));
  }

  acquire(attempt: Attempt): void {
    const { circuit } = this;
    if (!circuit.take(circuit.requests)) {
      this.refuse(attempt, 'UO', circuit.describe(circuit.requests));
      return;
    }
    attempt.holdsSlot = true;
    if (this.#endpoints !== null && this.#endpoints.drops.length > 0 && this.#drops(this.#endpoints, attempt)) return;
    if (this.#requested === null && !this.#hosts.isSettled) this.#firstLook.join(attempt);
    else this.#place(attempt);
  }

  repick(attempt: Attempt, detail: string): void {
    const left = attempt.endpoint;
    attempt.endpoint = null;
    if (left !== null) left.active--;
    if (++attempt.moves > MAX_MOVES) this.refuse(attempt, 'UF', detail);
    else this.#place(attempt);
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
    const host = attempt.endpoint as EndpointState | null; // only a cluster sets it
    if (host === null) return;
    host.active--;
    if (outcome !== OUTCOME.failed) return;
    host.failures++;
    if (attempt.answered) return;
    this.#learn(attempt, host);
    host.monitor?.failedLocally();
  }

  /** The final response head has come. */
  answered(attempt: Attempt): void {
    if (attempt.answered) return;
    attempt.answered = true;
    if (attempt.pickedAt > 0) this.#learn(attempt, attempt.endpoint as EndpointState | null);
  }

  connected(attempt: Attempt): void {
    const host = attempt.endpoint as EndpointState | null; // only a cluster sets it
    this.answered(attempt);
    host?.monitor?.succeeded();
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
  edge(mtls: boolean, request: Pick<Attempt, 'authority' | 'destination'>): Edge {
    const { telemetry } = this.#world;
    const outside = this.#outside(request);
    if (outside !== '') return telemetry.egressEdge(outside);
    const index = mtls ? 1 : 0;
    const known = this.#edges[index];
    if (known !== null && known !== undefined) return known;
    const edge = telemetry.edge('outbound', telemetry.service, this.#config.service || this.name, mtls);
    this.#edges[index] = edge;
    return edge;
  }

  #place(attempt: Attempt): void {
    const host = this.#requested === null ? this.#pick(attempt) : this.#requested.find(attempt);
    if (host === null) {
      const why = this.#requested === null ? 'no healthy endpoint' : this.#requested.whyNone;
      this.refuse(attempt, 'UH', `${why} for ${this.#config.service || this.name}`);
      return;
    }
    if (host.transport !== null && !this.#world.identity.valid) {
      this.refuse(attempt, 'SE', this.#world.identity.fault);
      return;
    }
    attempt.endpoint = host;
    host.active++;
    host.requests++;
    if (attempt.tunnel) (host.tunnels ??= this.#poolOf((ends) => new TcpPool(this, host, ends))).open(attempt);
    else (host.http ??= this.#httpPool(host)).open(attempt);
  }

  #requestedHosts(config: ClusterConfig): RequestedHosts | null {
    switch (config.discovery) {
      case 'dynamic-forward':
        return new ForwardHosts(config, this.#world, this.#hosts);
      case 'original-dst':
        return new OriginalHosts(config, this.#world, this.#hosts);
      default:
        return null;
    }
  }

  /** The host where the request leaves the mesh; empty: it does not, or the cluster has a name for it. */
  #outside(request: Pick<Attempt, 'authority' | 'destination'>): string {
    const { discovery, service } = this.#config;
    if (discovery === 'dynamic-forward') return hostOf(request.authority());
    return discovery === 'original-dst' && service === '' ? request.destination().host : '';
  }

  #httpPool(host: EndpointState): Pool {
    const Made = speaks(this.#config, host) === 'http2' ? Http2Pool : Http1Pool;
    return this.#poolOf((ends) => new Made(this, host, ends));
  }

  #poolOf(make: (ends: Ends | null) => Pool): Pool {
    return this.#config.announces === 0 ? make(null) : new PoolsByEnds(make);
  }

  #pick(attempt: Attempt): EndpointState | null {
    const facts = this.#facts;
    if (this.#hosts.readsClock) {
      facts.now = this.#hosts.now();
      attempt.pickedAt = facts.now;
    }
    facts.hash = attempt.hash;
    facts.avoid = attempt.avoid;
    facts.leaves = attempt.leaves;
    facts.subset = attempt.subset;
    const host = this.#hosts.pick(facts);
    if (facts.panic) this.#world.telemetry.limit('healthy_panic_threshold', this.name).add(1);
    return host;
  }

  /** Peak EWMA counts the time to the head of a response, and the time that was lost on one that never came. */
  #learn(attempt: Attempt, host: EndpointState | null): void {
    if (host === null || attempt.pickedAt === 0 || this.#config.balance.policy !== 'peak-ewma') return;
    const now = this.#hosts.now();
    const tookMs = now - attempt.pickedAt;
    if (!attempt.answered && tookMs < host.latency.ms) {
      // To fail fast is no merit: what was known of it counts as measured anew, or it would be forgotten and preferred.
      host.latency.at = now;
      return;
    }
    observeLatency(host.latency, tookMs, now, this.#config.balance.ewmaDecayMs);
  }

  #drops({ drops }: EndpointSet, attempt: Attempt): boolean {
    const { random } = this.dialer.runtime;
    for (const { category, share } of drops) {
      if (random.next() >= share) continue;
      this.#world.telemetry.limit(`drop_overload ${category}`, this.name).add(1);
      this.refuse(attempt, 'DO', `the control plane sheds load (${category})`);
      return true;
    }
    return false;
  }

  #settled(): void {
    if (!this.#firstLook.isEmpty && this.#hosts.isSettled) this.#firstLook.end((attempt) => this.#place(attempt));
  }
}

/** Endpoints come as a list. */
function isListed(discovery: ClusterConfig['discovery']): boolean {
  return discovery === 'eds' || discovery === 'static';
}

function hostOf(authority: string): string {
  const colon = authority.lastIndexOf(':');
  return colon > authority.lastIndexOf(']') ? authority.slice(0, colon) : authority;
}
