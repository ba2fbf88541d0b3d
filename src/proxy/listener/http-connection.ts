/**
 * One downstream connection that speaks HTTP, whatever its version: joins a codec to exchanges, and counts what the
 * codec refused.
 */
import type { Connection } from '../../core/runtime.ts';
import type { Head } from '../../http/head.ts';
import type { MessageReceiver } from '../../http/message.ts';
import type { Downstream } from '../router/downstream.ts';
import { HttpExchange } from '../router/exchange.ts';
import type { DownstreamStream } from '../router/internal-connect.ts';
import { ConnectionEnd } from './connection-end.ts';
import { Recess } from './recess.ts';
import { RefusedRequest } from './refused-request.ts';
import type { Served } from './served.ts';

export interface HttpConnectionOwner {
  /** New exchanges ask for the end of their connection. */
  readonly draining: boolean;
  connectionEnded(served: Served): void;
}

export abstract class HttpConnection implements Served {
  readonly #connection: Connection;
  readonly #down: Downstream;
  protected readonly owner: HttpConnectionOwner;
  #end: ConnectionEnd | null = null;
  /** Made for the first request that is refused. */
  #recess: Recess | null = null;

  constructor(connection: Connection, down: Downstream, owner: HttpConnectionOwner) {
    this.#connection = connection;
    this.#down = down;
    this.owner = owner;
  }

  /** Nothing is in flight. */
  abstract readonly idle: boolean;
  /** Other exchanges live on it beside one that is refused. */
  protected abstract readonly isShared: boolean;
  abstract announceEnd(): void;
  abstract drain(): void;

  open(stream: DownstreamStream, head: Head): MessageReceiver {
    if (this.#end !== null) this.#end.requestCame();
    const reason = this.#down.world.overload.refusesRequest();
    if (reason !== null) return new RefusedRequest(this.#down, stream, reason, this.#recessOf());
    return new HttpExchange(this.#down, stream, head);
  }

  onRefused(status: number, detail: string): void {
    const { edge, world } = this.#down;
    edge.countRequest(status, 'DPE', 0);
    if (!world.throttle.allows(`codec ${detail}`)) return;
    world.log.warn('request refused', { status, why: detail, remote: this.#remote });
  }

  /** A bound of the codec fired: `http2.rapid_reset`. */
  onLimit(name: string): void {
    const { world } = this.#down;
    world.telemetry.limit(name, this.#down.manager.statPrefix).add(1);
    if (world.throttle.allows(name))
      world.log.warn('a bound of the protocol was reached', { limit: name, remote: this.#remote });
  }

  onClosed(): void {
    this.#end?.stop();
    this.#recess?.end();
    this.owner.connectionEnded(this);
  }

  /** For the connection that has a codec: from here on its age and its requests count. */
  protected begun(): void {
    if (ConnectionEnd.isWanted(this.#down)) this.#end = new ConnectionEnd(this, this.#down);
  }

  get backlog(): number {
    return this.#connection.backlog;
  }

  /** Once in a while: what has no clock of its own is looked at. */
  look(): void {}

  /** Lets go of so many bytes that wait for the client, or more. */
  relieve(_bytes: number, why: string): void {
    this.cut(why);
  }

  cut(why: string): void {
    this.#connection.destroy(why);
  }

  #recessOf(): Recess {
    const { overload, runtime, timers } = this.#down.world;
    return (this.#recess ??= new Recess(this.#connection, timers, runtime.clock, overload.pace, this.isShared));
  }

  get #remote(): string {
    const { remote } = this.#connection.info;
    return `${remote.host}:${remote.port}`;
  }
}
