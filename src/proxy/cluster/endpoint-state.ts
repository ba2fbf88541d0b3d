/**
 * What is known of one endpoint besides its configuration. It outlives swaps of configuration as long as its cluster
 * and key do, so that load, ejections and connections survive a push.
 */
import type { SocketOptions } from '../../core/runtime.ts';
import { CONTENT_TYPE, KEEP_ALIVE } from '../../http/field-name.ts';
import type { Head } from '../../http/head.ts';
import { HEALTH, type Health, type Latency } from '../../snapshot/balance/balancer.ts';
import { DEFAULT_LATENCY_MS } from '../../snapshot/balance/pick-peak-ewma.ts';
import type { Endpoint, EndpointAddress } from '../../snapshot/snapshot.ts';
import type { Pool, UpstreamHost } from './attempt.ts';
import type { DialTarget } from './dial.ts';
import { DialBackOff } from './dial-back-off.ts';
import type { HostOwner } from './host-owner.ts';
import type { HostMonitor } from './outlier/host-monitor.ts';
import type { UpstreamTransport } from './upstream-transport.ts';

/** A request must not meet the server's close on its way. */
const KEEP_ALIVE_MARGIN_MS = 1_000;
const GRPC = Buffer.from('application/grpc');

export class EndpointState implements UpstreamHost, DialTarget {
  endpoint: Endpoint;
  /** null: plaintext. */
  transport: UpstreamTransport | null;
  /** Connections made under another hash are not used for new requests. */
  transportHash: string;
  active = 0;
  health: Health = HEALTH.healthy;
  unchecked = false;
  inServiceSince: number;
  readonly latency: Latency;
  /** Named by a request and not by the control plane. */
  readonly isForward: boolean;
  requests = 0;
  failures = 0;
  connectFailures = 0;
  /** Made at first use. */
  http: Pool | null = null;
  tunnels: Pool | null = null;
  /** How long the server keeps an idle connection, less a margin; Infinity: it did not say. */
  keepAliveMs = Number.POSITIVE_INFINITY;
  /** null: no outlier detection. */
  monitor: HostMonitor | null = null;
  checkFault = '';
  readonly #owner: HostOwner;
  readonly #backOff = new DialBackOff(() => this.judge());
  #hasResponded = false;

  constructor(
    owner: HostOwner,
    endpoint: Endpoint,
    transport: UpstreamTransport | null,
    transportHash: string,
    isForward = false,
  ) {
    this.#owner = owner;
    this.isForward = isForward;
    this.endpoint = endpoint;
    this.transport = transport;
    this.transportHash = transportHash;
    this.inServiceSince = owner.now();
    this.latency = { ms: DEFAULT_LATENCY_MS, at: this.inServiceSince };
    this.health = this.#health();
  }

  get key(): string {
    return this.endpoint.key;
  }

  get hostname(): string {
    return this.endpoint.hostname;
  }

  get address(): EndpointAddress {
    return this.endpoint.address;
  }

  get socket(): SocketOptions | null {
    return this.#owner.socket;
  }

  get announces(): 0 | 1 | 2 {
    return this.#owner.announces;
  }

  get secure(): boolean {
    return this.transport !== null;
  }

  /** Why it gets nothing now; empty: it does. */
  get fault(): string {
    const { health } = this.endpoint;
    if (health === 'draining') return 'it is leaving, says the control plane';
    if (health === 'unhealthy') return 'unhealthy, says the control plane';
    if (this.#backOff.until > 0) return 'its last connect failed';
    if (this.monitor?.ejection) return `ejected: ${this.monitor.ejection.cause}`;
    return this.checkFault === '' ? '' : `health check: ${this.checkFault}`;
  }

  /** `Clock.now()` until which it is out for what it did; 0: it is not. */
  get outUntil(): number {
    return Math.max(this.#backOff.until, this.monitor?.ejection?.until ?? 0);
  }

  /** What active checks say; empty: well, or not checked. */
  toldByCheck(fault: string, unchecked: boolean): void {
    this.checkFault = fault;
    const before = this.health;
    const hasEnded = this.unchecked && !unchecked;
    this.unchecked = unchecked;
    this.judge();
    // It counts now, even where it is as it was.
    if (hasEnded && this.health === before) this.#owner.healthChanged(this);
  }

  /** Brings `health` up to date with everything that bears on it. */
  judge(): void {
    const before = this.health;
    const now = this.#health();
    if (now === before) return;
    this.health = now;
    // Back from a long absence it starts slowly; a missed connect is no absence.
    if (now <= HEALTH.degraded && before === HEALTH.unhealthy) this.inServiceSince = this.#owner.now();
    this.#owner.healthChanged(this);
  }

  connectFailed(now: number): void {
    this.connectFailures++;
    this.#backOff.failed(this.#owner.timers, now);
    this.judge();
  }

  connected(): void {
    this.#backOff.succeeded(this.#owner.timers);
    this.judge();
  }

  noteResponse(head: Head): void {
    // The verdict of gRPC stands in the trailers.
    if (this.monitor !== null && !isGrpc(head)) this.monitor.response(head.status);
    if (this.#hasResponded) return;
    this.#hasResponded = true;
    const seconds = /(?:^|[\s,;])timeout=(\d{1,6})/.exec(head.value(KEEP_ALIVE) ?? '')?.[1];
    if (seconds !== undefined) this.keepAliveMs = Math.max(Number(seconds) * 1000 - KEEP_ALIVE_MARGIN_MS, 100);
  }

  noteGrpcStatus(status: number): void {
    this.monitor?.grpcStatus(status);
  }

  /** Idle connections close now, busy ones after what they carry. */
  retireConnections(): void {
    this.http?.retire();
    this.tunnels?.retire();
  }

  /** The same, where what comes next may speak another protocol. */
  replaceConnections(): void {
    this.retireConnections();
    this.http = this.tunnels = null;
  }

  /** Who waits for a connection to it goes elsewhere. */
  evict(): void {
    this.http?.evict();
    this.tunnels?.evict();
  }

  /** The endpoint has left its cluster, or the cluster has gone. */
  leave(): void {
    this.#backOff.stop(this.#owner.timers);
    this.evict();
    this.retireConnections();
  }

  #health(): Health {
    const { health } = this.endpoint;
    if (health === 'draining') return HEALTH.leaving;
    if (this.#backOff.until > 0) return HEALTH.unreachable;
    if (health === 'unhealthy' || this.checkFault !== '' || this.monitor?.ejection) return HEALTH.unhealthy;
    return health === 'degraded' ? HEALTH.degraded : HEALTH.healthy;
  }
}

function isGrpc(head: Head): boolean {
  const index = head.find(CONTENT_TYPE);
  if (index < 0) return false;
  const start = head.valueStart(index);
  if (head.valueEnd(index) - start < GRPC.length) return false;
  for (let i = 0; i < GRPC.length; i++) if (head.bytes[start + i] !== GRPC[i]) return false;
  return true;
}
