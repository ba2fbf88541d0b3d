/**
 * HTTP/2 connections to one endpoint: every stream goes on the first one that has room, because one connection is
 * cheapest (its streams leave in one write a turn); another is made only when streams run out. Whoever finds no room
 * waits, bounded. A connection that has carried enough, or has grown old, is followed by another before it goes.
 */
import type { Connection } from '../../../core/runtime.ts';
import { Timer } from '../../../core/timer-wheel.ts';
import type { Http2ClientCallbacks, Http2ClientOptions } from '../../../http/h2/client.ts';
import type { Attempt, Pool, PoolSizes } from '../attempt.ts';
import type { Ends } from '../announcement.ts';
import type { EndpointState } from '../endpoint-state.ts';
import { http2Limits } from '../http2-limits.ts';
import { Dials, type DialsOwner } from './dials.ts';
import type { PoolHost } from './pool-host.ts';
import { PooledHttp2 } from './pooled-http2.ts';
import { WaitingLine } from './waiting-line.ts';

export class Http2Pool extends Timer implements Pool, DialsOwner, Http2ClientCallbacks {
  readonly #host: PoolHost;
  readonly #target: EndpointState;
  readonly #options: Http2ClientOptions;
  readonly #dials: Dials;
  readonly #waiting: WaitingLine;
  /** Those that take new streams; the first is filled first. */
  readonly #open: PooledHttp2[] = [];
  /** Those that only finish what they carry. */
  readonly #leaving = new Set<PooledHttp2>();

  constructor(host: PoolHost, target: EndpointState, ends: Ends | null = null) {
    super();
    this.#host = host;
    this.#target = target;
    const { runtime, timers } = host.dialer;
    const { http2, idleTimeoutMs } = host.config;
    this.#options = { limits: http2Limits(http2, idleTimeoutMs), timers, clock: runtime.clock, callbacks: this };
    this.#dials = new Dials(host, target, this, ends);
    this.#waiting = new WaitingLine(host, this);
  }

  get sizes(): PoolSizes {
    const idle = this.#open.filter((client) => client.active === 0).length;
    const busy = this.#open.length - idle + this.#leaving.size;
    return { idle, busy, connecting: this.#dials.size, pending: this.#waiting.length };
  }

  open(attempt: Attempt): void {
    const client = this.#roomy();
    if (client !== null) this.#begin(client, attempt);
    else if (this.#waiting.join(attempt)) this.#dialMore();
  }

  cancel(attempt: Attempt): void {
    this.#waiting.leave(attempt);
  }

  evict(): void {
    this.#waiting.moveAll(`${this.#target.key} is out: ${this.#target.fault || 'it has left'}`);
    this.#dials.trim(0);
    this.#leaveOld();
  }

  retire(): void {
    for (const client of [...this.#open]) this.#leave(client);
    this.#dials.trim(0);
    this.#dialMore();
  }

  dialSucceeded(connection: Connection): void {
    const client = new PooledHttp2(this.#options, this.#host, this.#now());
    this.#open.push(client);
    client.attach(connection);
    client.onOpen();
    this.#leaveOld();
    this.onRoom(client);
  }

  dialFailed(reason: string): void {
    const { flag, detail } = this.#host.dialFailure(this.#target.key, reason);
    this.#leaveOld();
    const first = this.#waiting.next();
    if (first !== null) this.#host.refuse(first, flag, detail);
    // The others may still get room on what is open; without any they would wait in vain.
    if (this.#open.length === 0) this.#waiting.moveAll(detail);
    this.#dialMore();
  }

  onRoom(client: PooledHttp2): void {
    while (client.room > 0) {
      const next = this.#waiting.next();
      if (next === null) return;
      this.#begin(client, next);
    }
    this.#dialMore();
  }

  onDraining(client: PooledHttp2): void {
    const index = this.#open.indexOf(client);
    if (index < 0) return;
    this.#open.splice(index, 1);
    this.#leaving.add(client);
    this.#dialMore();
  }

  onGone(client: PooledHttp2): void {
    const index = this.#open.indexOf(client);
    if (index >= 0) this.#open.splice(index, 1);
    else if (!this.#leaving.delete(client)) return;
    if (this.#open.length === 0) this.#host.dialer.timers.disarm(this);
    this.#host.circuit.connections.give();
    this.#dialMore();
  }

  onLimit(name: string): void {
    this.#host.circuit.fired(name);
  }

  /** What has grown old goes; the last one, while it is in use, when another is there. */
  override fire(): void {
    const now = this.#now();
    for (const client of [...this.#open]) {
      const isUsed = client.look();
      if (!client.isOld(now)) continue;
      if (!isUsed || this.#open.length > 1 || !this.#dialAhead()) this.#leave(client);
    }
    this.#watchAges(now);
  }

  #begin(client: PooledHttp2, attempt: Attempt): void {
    const stream = client.open(attempt);
    if (client.isSpent) {
      this.#leave(client);
      // Who allows only one request wants no connection that nobody has asked for.
      if (this.#open.length === 0 && this.#host.config.maxRequestsPerConnection > 1) this.#dialAhead();
    }
    attempt.onStream(stream);
  }

  /** Takes no further stream. */
  #leave(client: PooledHttp2): void {
    const index = this.#open.indexOf(client);
    if (index < 0) return;
    this.#open.splice(index, 1);
    this.#leaving.add(client);
    client.close();
  }

  /** Their successor has come, or none can be made. */
  #leaveOld(): void {
    const now = this.#now();
    for (const client of this.#open.filter((each) => each.isOld(now))) this.#leave(client);
    this.#watchAges(now);
  }

  #watchAges(now: number): void {
    const { timers } = this.#host.dialer;
    const due = Math.min(...this.#open.map((client) => client.nextLookMs(now)));
    if (due === Number.POSITIVE_INFINITY) timers.disarm(this);
    else timers.arm(this, due);
  }

  /** A connection that nobody waits for yet. False: there is no place for it. */
  #dialAhead(): boolean {
    const { connections } = this.#host.circuit;
    if (connections.used < connections.max) this.#dials.want(1, this.#open.length);
    return this.#dials.size > 0;
  }

  #now(): number {
    return this.#host.dialer.runtime.clock.now();
  }

  #roomy(): PooledHttp2 | null {
    const open = this.#open;
    for (let i = 0; i < open.length; i++) {
      const client = open[i];
      if (client !== undefined && client.room > 0) return client;
    }
    return null;
  }

  /** One at a time: what waits is usually served by the streams of the first that opens, once it says how many it takes. */
  #dialMore(): void {
    if (this.#waiting.length > 0 && this.#open.every(isSettled)) this.#dials.want(1, this.#open.length);
  }
}

function isSettled(client: PooledHttp2): boolean {
  return client.settled;
}
