/**
 * Kept-alive HTTP/1.1 connections to one endpoint. The most recently used one serves next, so that the others can grow
 * old and go; whoever finds none idle waits, bounded, for one that is made or one that comes back.
 */
import type { Connection } from '../../../core/runtime.ts';
import { Timer } from '../../../core/timer-wheel.ts';
import { Http1Client, type Http1ClientCallbacks, type Http1ClientOptions } from '../../../http/h1/client.ts';
import { DEFAULT_HTTP1_LIMITS } from '../../../http/h1/limits.ts';
import type { Attempt, Pool, PoolSizes } from '../attempt.ts';
import { Dial, type DialOwner } from '../dial.ts';
import type { EndpointState } from '../endpoint-state.ts';
import type { PoolHost } from './pool-host.ts';

/** Also where the cluster says unbounded. */
const MAX_IDLE_MS = 3_600_000;

export class Http1Pool extends Timer implements Pool, DialOwner, Http1ClientCallbacks {
  readonly #host: PoolHost;
  readonly #target: EndpointState;
  readonly #options: Http1ClientOptions = { limits: DEFAULT_HTTP1_LIMITS, callbacks: this };
  readonly #clients = new Set<Http1Client>();
  readonly #dials = new Set<Dial>();
  /** The longest idle first; `#idleSince` in step. */
  readonly #idle: Http1Client[] = [];
  readonly #idleSince: number[] = [];
  readonly #pending: Attempt[] = [];

  constructor(host: PoolHost, target: EndpointState) {
    super();
    this.#host = host;
    this.#target = target;
  }

  get sizes(): PoolSizes {
    const idle = this.#idle.length;
    return { idle, busy: this.#clients.size - idle, connecting: this.#dials.size, pending: this.#pending.length };
  }

  open(attempt: Attempt): void {
    // One kept-alive connection was dead: the peer has probably dropped all that lay idle with it.
    if (attempt.fresh) this.#closeIdle();
    const client = this.#takeIdle();
    if (client !== null) {
      attempt.onStream(client.open(attempt));
      return;
    }
    const { circuit } = this.#host;
    if (!circuit.take(circuit.pending)) {
      this.#host.refuse(attempt, 'UO', circuit.describe(circuit.pending));
      return;
    }
    attempt.waitsIn = this;
    this.#pending.push(attempt);
    this.#dialMore();
  }

  cancel(attempt: Attempt): void {
    const index = this.#pending.indexOf(attempt);
    if (index < 0) return;
    this.#pending.splice(index, 1);
    this.#leaveQueue(attempt);
  }

  retire(): void {
    for (const client of [...this.#clients]) client.close();
    for (const dial of this.#dials) {
      dial.cancel();
      this.#host.circuit.connections.give();
    }
    this.#dials.clear();
    this.#dialMore();
  }

  dialed(dial: Dial, connection: Connection): void {
    this.#dials.delete(dial);
    const client = new Http1Client(this.#options);
    this.#clients.add(client);
    client.attach(connection);
    client.onOpen();
    this.onIdle(client);
  }

  dialFailed(dial: Dial, reason: string): void {
    this.#dials.delete(dial);
    this.#host.circuit.connections.give();
    const { flag, detail } = this.#host.dialFailure(this.#target.key, reason);
    // The others may still get a connection that is being made or in use; without any they would wait forever.
    const count = this.#dials.size + this.#clients.size > 0 ? 1 : this.#pending.length;
    for (const attempt of this.#pending.splice(0, count)) {
      this.#leaveQueue(attempt);
      this.#host.refuse(attempt, flag, detail);
    }
    // The limit on connections may have kept the others from a dial of their own.
    this.#dialMore();
  }

  onConnected(): void {}

  onIdle(client: Http1Client): void {
    const next = this.#pending.shift();
    if (next !== undefined) {
      this.#leaveQueue(next);
      next.onStream(client.open(next));
      return;
    }
    this.#idle.push(client);
    this.#idleSince.push(this.#host.dialer.runtime.clock.now());
    if (!this.armed) this.#host.dialer.timers.arm(this, this.#idleTimeoutMs());
  }

  onGone(client: Http1Client): void {
    if (!this.#clients.delete(client)) return;
    const index = this.#idle.indexOf(client);
    if (index >= 0) {
      this.#idle.splice(index, 1);
      this.#idleSince.splice(index, 1);
    }
    // Also when it was in use: the timer was armed for those that lay idle before, and keeps a process alive.
    if (this.#idle.length === 0) this.#host.dialer.timers.disarm(this);
    this.#host.circuit.connections.give();
    this.#dialMore();
  }

  /** Closes what has lain idle for too long. */
  override fire(): void {
    const now = this.#host.dialer.runtime.clock.now();
    const timeoutMs = this.#idleTimeoutMs();
    let since = this.#idleSince[0];
    while (since !== undefined && now - since >= timeoutMs) {
      this.#idleSince.shift();
      this.#idle.shift()?.close();
      since = this.#idleSince[0];
    }
    if (since !== undefined) this.#host.dialer.timers.arm(this, timeoutMs - (now - since));
  }

  #takeIdle(): Http1Client | null {
    for (;;) {
      const client = this.#idle.pop();
      if (client === undefined) return null;
      this.#idleSince.pop();
      if (client.idle) return client;
    }
  }

  #closeIdle(): void {
    const idle = this.#idle.splice(0);
    this.#idleSince.length = 0;
    for (const client of idle) client.close();
  }

  #leaveQueue(attempt: Attempt): void {
    attempt.waitsIn = null;
    this.#host.circuit.pending.give();
  }

  /** A dial for each that waits, within the limit on connections; an endpoint without any may always have one. */
  #dialMore(): void {
    const { circuit, dialer, config } = this.#host;
    while (this.#dials.size < this.#pending.length) {
      const none = this.#dials.size === 0 && this.#clients.size === 0;
      if (!circuit.takeConnection(none)) return;
      const dial = new Dial(dialer, this, this.#target);
      this.#dials.add(dial);
      dial.start(config.connectTimeoutMs);
    }
  }

  #idleTimeoutMs(): number {
    const { idleTimeoutMs } = this.#host.config;
    return Math.min(
      idleTimeoutMs > 0 ? idleTimeoutMs : Number.POSITIVE_INFINITY,
      this.#target.keepAliveMs,
      MAX_IDLE_MS,
    );
  }
}
