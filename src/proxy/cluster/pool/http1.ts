/**
 * Kept-alive HTTP/1.1 connections to one endpoint. The most recently used one serves next, so that the others can grow
 * old and go; whoever finds none idle waits, bounded, for one that is made or one that comes back.
 */
import type { Connection } from '../../../core/runtime.ts';
import { Timer } from '../../../core/timer-wheel.ts';
import type { Http1ClientCallbacks, Http1ClientOptions } from '../../../http/h1/client.ts';
import { DEFAULT_HTTP1_LIMITS } from '../../../http/h1/limits.ts';
import type { Attempt, Pool, PoolSizes } from '../attempt.ts';
import type { Ends } from '../announcement.ts';
import type { EndpointState } from '../endpoint-state.ts';
import { Dials, type DialsOwner } from './dials.ts';
import type { PoolHost } from './pool-host.ts';
import { PooledClient } from './pooled-client.ts';
import { WaitingLine } from './waiting-line.ts';

/** Also where the cluster says unbounded. */
const MAX_IDLE_MS = 3_600_000;

export class Http1Pool extends Timer implements Pool, DialsOwner, Http1ClientCallbacks {
  readonly #host: PoolHost;
  readonly #target: EndpointState;
  readonly #options: Http1ClientOptions = { limits: DEFAULT_HTTP1_LIMITS, callbacks: this };
  readonly #clients = new Set<PooledClient>();
  readonly #dials: Dials;
  /** The longest idle first. */
  readonly #idle: PooledClient[] = [];
  readonly #waiting: WaitingLine;

  constructor(host: PoolHost, target: EndpointState, ends: Ends | null = null) {
    super();
    this.#host = host;
    this.#target = target;
    this.#dials = new Dials(host, target, this, ends);
    this.#waiting = new WaitingLine(host, this);
  }

  get sizes(): PoolSizes {
    const idle = this.#idle.length;
    const busy = this.#clients.size - idle;
    return { idle, busy, connecting: this.#dials.size, pending: this.#waiting.length };
  }

  open(attempt: Attempt): void {
    // One kept-alive connection was dead: the peer has probably dropped all that lay idle with it.
    if (attempt.fresh) this.#closeIdle();
    const client = this.#takeIdle();
    if (client !== null) attempt.onStream(client.open(attempt));
    else if (this.#waiting.join(attempt)) this.#dialMore();
  }

  cancel(attempt: Attempt): void {
    this.#waiting.leave(attempt);
  }

  evict(): void {
    this.#waiting.moveAll(`${this.#target.key} is out: ${this.#target.fault || 'it has left'}`);
    this.#dials.trim(this.#waiting.length);
  }

  retire(): void {
    for (const client of [...this.#clients]) client.close();
    this.#dials.trim(0);
    this.#dialMore();
  }

  dialSucceeded(connection: Connection): void {
    const client = new PooledClient(this.#options, this.#now());
    this.#clients.add(client);
    client.attach(connection);
    client.onOpen();
    this.#serve(client);
    this.#dialMore();
  }

  dialFailed(reason: string): void {
    const { flag, detail } = this.#host.dialFailure(this.#target.key, reason);
    const first = this.#waiting.next();
    if (first !== null) this.#host.refuse(first, flag, detail);
    // The others may still get a connection that is being made or in use; without any they would wait in vain.
    if (this.#dials.size + this.#clients.size === 0) this.#waiting.moveAll(detail);
    // The limit on connections may have kept the others from a dial of their own.
    this.#dialMore();
  }

  onConnected(): void {}

  onIdle(client: PooledClient): void {
    const { config } = this.#host;
    if (
      (config.maxRequestsPerConnection > 0 || config.maxConnectionDurationMs > 0) &&
      client.isSpent(config, this.#now())
    ) {
      client.close();
      return;
    }
    this.#serve(client);
  }

  onGone(client: PooledClient): void {
    if (!this.#clients.delete(client)) return;
    const index = this.#idle.indexOf(client);
    if (index >= 0) this.#idle.splice(index, 1);
    // Also when it was in use: the timer was armed for those that lay idle before, and keeps a process alive.
    if (this.#idle.length === 0) this.#host.dialer.timers.disarm(this);
    this.#host.circuit.connections.give();
    this.#dialMore();
  }

  /** Closes what has lain idle for too long. */
  override fire(): void {
    const now = this.#now();
    const { config, dialer } = this.#host;
    const timeoutMs = this.#idleTimeoutMs();
    for (const client of this.#idle.filter((each) => now - each.idleSince >= timeoutMs || each.isSpent(config, now))) {
      client.close();
    }
    const [oldest] = this.#idle;
    if (oldest !== undefined) dialer.timers.arm(this, this.#lookAfterMs(oldest, now));
  }

  #serve(client: PooledClient): void {
    const next = this.#waiting.next();
    if (next !== null) {
      next.onStream(client.open(next));
      return;
    }
    client.idleSince = this.#now();
    this.#idle.push(client);
    if (!this.armed) this.#host.dialer.timers.arm(this, this.#lookAfterMs(client, client.idleSince));
  }

  #takeIdle(): PooledClient | null {
    for (;;) {
      const client = this.#idle.pop();
      if (client === undefined) return null;
      if (client.idle) return client;
    }
  }

  #closeIdle(): void {
    for (const client of this.#idle.splice(0)) client.close();
  }

  /** A dial for each that waits. */
  #dialMore(): void {
    if (this.#waiting.length > 0) this.#dials.want(this.#waiting.length, this.#clients.size);
  }

  /** When the longest idle one is due; the others are looked at then. */
  #lookAfterMs(oldest: PooledClient, now: number): number {
    const idleMs = this.#idleTimeoutMs() - (now - oldest.idleSince);
    const { maxConnectionDurationMs } = this.#host.config;
    return maxConnectionDurationMs === 0 ? idleMs : Math.min(idleMs, maxConnectionDurationMs);
  }

  #idleTimeoutMs(): number {
    const { idleTimeoutMs } = this.#host.config;
    return Math.min(
      idleTimeoutMs > 0 ? idleTimeoutMs : Number.POSITIVE_INFINITY,
      this.#target.keepAliveMs,
      MAX_IDLE_MS,
    );
  }

  #now(): number {
    return this.#host.dialer.runtime.clock.now();
  }
}
