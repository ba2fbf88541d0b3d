/** A downstream connection of HTTP/2: many exchanges at once, ended by GOAWAY. */
import type { Connection } from '../../core/runtime.ts';
import { Http2Server, type Http2ServerCallbacks } from '../../http/h2/server.ts';
import { http2Limits } from '../cluster/http2-limits.ts';
import type { Downstream } from '../router/downstream.ts';
import { HttpConnection, type HttpConnectionOwner } from './http-connection.ts';

export class Http2Connection extends HttpConnection implements Http2ServerCallbacks {
  protected readonly isShared = true;
  readonly #server: Http2Server;

  /** Becomes the connection's handler. */
  constructor(connection: Connection, down: Downstream, owner: HttpConnectionOwner) {
    super(connection, down, owner);
    const { manager, world } = down;
    const limits = http2Limits(manager.http2, manager.idleTimeoutMs);
    this.#server = new Http2Server(connection, {
      limits: {
        ...limits,
        maxHeadBytes: manager.maxHeadBytes || limits.maxHeadBytes,
        maxFields: manager.maxFields || limits.maxFields,
        headTimeoutMs: manager.headersTimeoutMs,
      },
      timers: world.timers,
      clock: world.runtime.clock,
      callbacks: this,
    });
    if (owner.draining) this.#server.drain();
    this.begun();
  }

  override get backlog(): number {
    return super.backlog + this.#server.queuedBytes;
  }

  /** Others may share the connection: theirs goes on unless its bytes are what waits. */
  override relieve(bytes: number, why: string): void {
    if (this.#server.queuedBytes > super.backlog) this.#server.dropFullest(bytes);
    else super.relieve(bytes, why);
  }

  get idle(): boolean {
    return this.#server.idle;
  }

  announceEnd(): void {
    this.#server.announceEnd();
  }

  drain(): void {
    this.#server.drain();
  }
}
