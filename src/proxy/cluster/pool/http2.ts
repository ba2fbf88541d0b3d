/**
 * HTTP/2 connections to one endpoint: every stream goes on the first one that has room, because one connection is
 * cheapest (its streams leave in one write a turn); another is made only when streams run out. Whoever finds no room
 * waits, bounded.
 */
import type { Connection } from '../../../core/runtime.ts';
import { Http2Client, type Http2ClientCallbacks, type Http2ClientOptions } from '../../../http/h2/client.ts';
import type { Attempt, Pool, PoolSizes } from '../attempt.ts';
import type { EndpointState } from '../endpoint-state.ts';
import { http2Limits } from '../http2-limits.ts';
import { Dials, type DialsOwner } from './dials.ts';
import type { PoolHost } from './pool-host.ts';
import { WaitingLine } from './waiting-line.ts';

export class Http2Pool implements Pool, DialsOwner, Http2ClientCallbacks {
  readonly #host: PoolHost;
  readonly #target: EndpointState;
  readonly #options: Http2ClientOptions;
  readonly #dials: Dials;
  readonly #waiting: WaitingLine;
  /** Those that take new streams; the first is filled first. */
  readonly #open: Http2Client[] = [];
  /** Those that only finish what they carry. */
  readonly #leaving = new Set<Http2Client>();

  constructor(host: PoolHost, target: EndpointState) {
    this.#host = host;
    this.#target = target;
    const { runtime, timers } = host.dialer;
    const { http2, idleTimeoutMs } = host.config;
    this.#options = { limits: http2Limits(http2, idleTimeoutMs), timers, clock: runtime.clock, callbacks: this };
    this.#dials = new Dials(host, target, this);
    this.#waiting = new WaitingLine(host, this);
  }

  get sizes(): PoolSizes {
    const idle = this.#open.filter((client) => client.active === 0).length;
    const busy = this.#open.length - idle + this.#leaving.size;
    return { idle, busy, connecting: this.#dials.size, pending: this.#waiting.length };
  }

  open(attempt: Attempt): void {
    const client = this.#roomy();
    if (client !== null) attempt.onStream(client.open(attempt));
    else if (this.#waiting.join(attempt)) this.#dialMore();
  }

  cancel(attempt: Attempt): void {
    this.#waiting.leave(attempt);
  }

  evict(): void {
    this.#waiting.moveAll(`${this.#target.key} is out: ${this.#target.fault || 'it has left'}`);
    this.#dials.trim(0);
  }

  retire(): void {
    for (const client of this.#open.splice(0)) {
      this.#leaving.add(client);
      client.close();
    }
    this.#dials.trim(0);
    this.#dialMore();
  }

  dialSucceeded(connection: Connection): void {
    const client = new Http2Client(this.#options);
    this.#open.push(client);
    client.attach(connection);
    client.onOpen();
    this.onRoom(client);
    this.#dialMore();
  }

  dialFailed(reason: string): void {
    const { flag, detail } = this.#host.dialFailure(this.#target.key, reason);
    const first = this.#waiting.next();
    if (first !== null) this.#host.refuse(first, flag, detail);
    // The others may still get room on what is open; without any they would wait in vain.
    if (this.#open.length === 0) this.#waiting.moveAll(detail);
    this.#dialMore();
  }

  onRoom(client: Http2Client): void {
    while (client.room > 0) {
      const next = this.#waiting.next();
      if (next === null) return;
      next.onStream(client.open(next));
    }
  }

  onDraining(client: Http2Client): void {
    const index = this.#open.indexOf(client);
    if (index < 0) return;
    this.#open.splice(index, 1);
    this.#leaving.add(client);
    this.#dialMore();
  }

  onGone(client: Http2Client): void {
    const index = this.#open.indexOf(client);
    if (index >= 0) this.#open.splice(index, 1);
    else if (!this.#leaving.delete(client)) return;
    this.#host.circuit.connections.give();
    this.#dialMore();
  }

  onLimit(name: string): void {
    this.#host.circuit.fired(name);
  }

  #roomy(): Http2Client | null {
    const open = this.#open;
    for (let i = 0; i < open.length; i++) {
      const client = open[i];
      if (client !== undefined && client.room > 0) return client;
    }
    return null;
  }

  /** One at a time: what waits is usually served by the streams of the first that opens. */
  #dialMore(): void {
    if (this.#waiting.length > 0) this.#dials.want(1, this.#open.length);
  }
}
