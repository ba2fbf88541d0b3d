/** A downstream connection of HTTP/1.1: one exchange at a time, the last one announces the end. */
import type { Connection } from '../../core/runtime.ts';
import { DEFAULT_HTTP1_LIMITS } from '../../http/h1/limits.ts';
import { Http1Server, type Http1ServerCallbacks } from '../../http/h1/server.ts';
import type { Head } from '../../http/head.ts';
import type { MessageReceiver } from '../../http/message.ts';
import type { Downstream } from '../router/downstream.ts';
import type { DownstreamStream } from '../router/internal-connect.ts';
import { HttpConnection, type HttpConnectionOwner } from './http-connection.ts';

export class Http1Connection extends HttpConnection implements Http1ServerCallbacks {
  protected readonly isShared = false;
  readonly #server: Http1Server;
  #isLast = false;

  /** Becomes the connection's handler. */
  constructor(connection: Connection, down: Downstream, owner: HttpConnectionOwner) {
    super(connection, down, owner);
    const { manager, world } = down;
    down.onHandedOver = () => this.onClosed();
    this.#server = new Http1Server(connection, {
      limits: {
        ...DEFAULT_HTTP1_LIMITS,
        maxHeadBytes: manager.maxHeadBytes || DEFAULT_HTTP1_LIMITS.maxHeadBytes,
        maxFields: manager.maxFields || DEFAULT_HTTP1_LIMITS.maxFields,
        headTimeoutMs: manager.headersTimeoutMs,
        idleTimeoutMs: manager.idleTimeoutMs,
      },
      timers: world.timers,
      callbacks: this,
    });
    this.begun();
  }

  get idle(): boolean {
    return this.#server.idle;
  }

  override open(stream: DownstreamStream, head: Head): MessageReceiver {
    if (this.#isLast || this.owner.draining) this.#server.drain();
    return super.open(stream, head);
  }

  announceEnd(): void {
    this.#isLast = true;
    if (!this.#server.idle) this.#server.drain();
  }

  override look(): void {
    this.#server.look();
  }

  drain(): void {
    this.#server.drain();
  }
}
