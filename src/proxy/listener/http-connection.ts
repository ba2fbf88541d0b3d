/** One downstream connection that speaks HTTP/1.1: joins the codec to exchanges, and counts what the codec refused. */
import type { Connection } from '../../core/runtime.ts';
import { Http1Server, type Http1ServerCallbacks } from '../../http/h1/server.ts';
import { DEFAULT_HTTP1_LIMITS } from '../../http/h1/limits.ts';
import type { ServerStream } from '../../http/h1/server-stream.ts';
import type { Head } from '../../http/head.ts';
import type { MessageReceiver } from '../../http/message.ts';
import type { Downstream } from '../router/downstream.ts';
import { HttpExchange } from '../router/exchange.ts';
import type { Served } from './served.ts';

export interface HttpConnectionOwner {
  /** New exchanges ask for the end of their connection. */
  readonly draining: boolean;
  connectionEnded(served: Served): void;
}

export class HttpConnection implements Http1ServerCallbacks, Served {
  readonly #connection: Connection;
  readonly #down: Downstream;
  readonly #owner: HttpConnectionOwner;
  readonly #server: Http1Server;
  #isLast = false;

  constructor(connection: Connection, down: Downstream, owner: HttpConnectionOwner) {
    this.#connection = connection;
    this.#down = down;
    this.#owner = owner;
    const { manager, world } = down;
    down.onHandedOver = () => owner.connectionEnded(this);
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
  }

  /** Nothing is in flight. */
  get idle(): boolean {
    return this.#server.idle;
  }

  open(stream: ServerStream, head: Head): MessageReceiver {
    if (this.#isLast || this.#owner.draining) this.#server.drain();
    return new HttpExchange(this.#down, stream, head);
  }

  onRefused(status: number, detail: string): void {
    const { edge, world } = this.#down;
    edge.countRequest(status, 'DPE', 0);
    if (!world.throttle.allows(`codec ${detail}`)) return;
    const { remote } = this.#connection.info;
    world.log.warn('request refused', { status, why: detail, remote: `${remote.host}:${remote.port}` });
  }

  onClosed(): void {
    this.#owner.connectionEnded(this);
  }

  announceEnd(): void {
    this.#isLast = true;
    if (!this.#server.idle) this.#server.drain();
  }

  drain(): void {
    this.#server.drain();
  }

  cut(): void {
    this.#connection.destroy('drained');
  }
}
