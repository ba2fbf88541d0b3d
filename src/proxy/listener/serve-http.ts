/**
 * Which version of HTTP a connection speaks: said by the filter chain, by ALPN, by what the listener saw of the first
 * bytes, else read from them here.
 */
import { concatBytes } from '../../core/bytes.ts';
import type { Connection, ConnectionHandler } from '../../core/runtime.ts';
import { Timer } from '../../core/timer-wheel.ts';
import type { Downstream } from '../router/downstream.ts';
import type { Detected } from './detect.ts';
import { Http1Connection } from './http1-connection.ts';
import { Http2Connection } from './http2-connection.ts';
import { HttpConnection, type HttpConnectionOwner } from './http-connection.ts';

/** Names of ALPN under which HTTP/2 is spoken. */
const HTTP2_ALPN: readonly string[] = ['h2', 'weft-http1', 'weft-http2'];
/** No HTTP/1.1 request begins so: the method PRI is reserved (RFC 9113 section 3.4). */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** Becomes the connection's handler. `found`: what the listener knows of the first bytes. */
export function serveHttp(
  connection: Connection,
  down: Downstream,
  owner: HttpConnectionOwner,
  found: Pick<Detected, 'transport' | 'protocols'>,
): HttpConnection {
  switch (down.manager.codec) {
    case 'http1':
      return new Http1Connection(connection, down, owner);
    case 'http2':
      return new Http2Connection(connection, down, owner);
    case 'auto':
      break;
  }
  const { tls } = connection.info;
  // Clear text: the words of the HTTP inspector. Below TLS `found` is what the client offered, not what was agreed.
  const said = tls !== null ? [tls.alpn] : found.transport === 'raw_buffer' ? found.protocols : [];
  if (said.includes('h2c') || HTTP2_ALPN.includes(said[0] ?? '')) return new Http2Connection(connection, down, owner);
  if (said.some((name) => name.startsWith('http/1'))) return new Http1Connection(connection, down, owner);
  return new UndecidedConnection(connection, down, owner);
}

/** Until the first bytes tell the version; then it stands for the connection that they chose. */
class UndecidedConnection extends HttpConnection implements ConnectionHandler, HttpConnectionOwner {
  protected readonly isShared = false;
  readonly #of: Connection;
  readonly #down: Downstream;
  readonly #timer: FirstByteTimer;
  #seen: Uint8Array = new Uint8Array(0);
  #chosen: HttpConnection | null = null;

  constructor(connection: Connection, down: Downstream, owner: HttpConnectionOwner) {
    super(connection, down, owner);
    this.#of = connection;
    this.#down = down;
    const { timers } = down.world;
    this.#timer = new FirstByteTimer(connection);
    if (down.manager.headersTimeoutMs > 0) timers.arm(this.#timer, down.manager.headersTimeoutMs);
    connection.handler = this;
  }

  get idle(): boolean {
    return this.#chosen?.idle ?? this.#seen.length === 0;
  }

  get draining(): boolean {
    return this.owner.draining;
  }

  connectionEnded(): void {
    this.owner.connectionEnded(this);
  }

  announceEnd(): void {
    this.#chosen?.announceEnd();
  }

  drain(): void {
    if (this.#chosen !== null) this.#chosen.drain();
    else this.#of.destroy('drained');
  }

  override get backlog(): number {
    return this.#chosen === null ? super.backlog : this.#chosen.backlog;
  }

  override relieve(bytes: number, why: string): void {
    if (this.#chosen === null) this.cut(why);
    else this.#chosen.relieve(bytes, why);
  }

  override look(): void {
    this.#chosen?.look();
  }

  onOpen(): void {}
  onDrained(): void {}

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    const seen = concatBytes([this.#seen, bytes.subarray(start, end)]);
    this.#seen = seen;
    const compared = Math.min(seen.length, PREFACE.length);
    const isPreface = PREFACE.compare(seen, 0, compared, 0, compared) === 0;
    if (isPreface && seen.length < PREFACE.length) return;
    this.#down.world.timers.disarm(this.#timer);
    const Chosen = isPreface ? Http2Connection : Http1Connection;
    this.#chosen = new Chosen(this.#of, this.#down, this);
    this.#of.handler.onBytes(seen, 0, seen.length);
  }

  onEnd(): void {
    this.#of.destroy('');
  }

  onClose(): void {
    this.#down.world.timers.disarm(this.#timer);
    this.owner.connectionEnded(this);
  }
}

class FirstByteTimer extends Timer {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    super();
    this.#connection = connection;
  }

  override fire(): void {
    this.#connection.destroy('no request in time');
  }
}
