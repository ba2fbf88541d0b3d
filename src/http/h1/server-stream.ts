/** The server's side of one exchange: where the response goes, and what it decides about the connection. */
import type { Connection, ConnectionHandler } from '../../core/runtime.ts';
import { WeftError } from '../../core/errors.ts';
import { FRAMING } from '../framing.ts';
import { Head, UPGRADE_STATE } from '../head.ts';
import { METHOD, type Method } from '../method.ts';
import { RESET, type ResetReason } from '../message.ts';
import { expectsContinue } from './accept-head.ts';
import type { BodyWriter } from './body-writer.ts';
import { framingOfResponse } from './framing.ts';
import { Http1Stream } from './http1-stream.ts';
import { PERSISTENCE, type Persistence, writeHead } from './write-head.ts';

/** What a stream asks of its connection's codec. */
export interface ServerLink {
  readonly draining: boolean;
  /** The response is complete. */
  responseSent(stream: ServerStream): void;
  tunnelOpened(stream: ServerStream): void;
  discarding(stream: ServerStream): void;
  abort(stream: ServerStream, reason: string): void;
  takeOver(stream: ServerStream, handler: ConnectionHandler): Connection;
}

export class ServerStream extends Http1Stream {
  readonly #link: ServerLink;
  readonly #method: Method;
  readonly #version: number;
  readonly #asksUpgrade: boolean;
  readonly #hasLength: boolean;
  /** The client waits for a 100 before it sends content, and has not got one. */
  #awaitsContinue: boolean;
  #isTunnel = false;
  /** Whether the connection goes on after this exchange; for the codec. */
  persists: boolean;

  constructor(link: ServerLink, connection: Connection, writer: BodyWriter, request: Head) {
    super(connection, writer);
    this.#link = link;
    this.#method = request.method;
    this.#version = request.version;
    this.#asksUpgrade = request.upgrade !== UPGRADE_STATE.none;
    this.#hasLength = request.framing === FRAMING.length;
    this.#awaitsContinue = expectsContinue(request);
    this.persists = request.keepAlive;
    this.received = request.framing === FRAMING.none;
  }

  /**
   * The client owes content and should send it with some speed. What has no end is a conversation: a tunnel, or a request
   * without a length that is answered while it is sent. For the codec.
   */
  get awaitsContent(): boolean {
    if (this.received || this.receiver === null || this.paused || this.#isTunnel) return false;
    return this.#hasLength || !this.headSent;
  }

  /** Whether the response has begun; from then on an error can only end the connection. */
  get responded(): boolean {
    return this.headSent;
  }

  override sendHead(head: Head, last: boolean): void {
    const { connection } = this;
    if (connection === null || this.headSent) return;
    this.written++;
    const { status } = head;
    if (status < 200 && status !== 101) return this.#sendInterim(connection, head);
    // A protocol that nobody asked for would leave both sides with different ideas of the bytes that follow.
    if (status === 101 && !this.#asksUpgrade) return this.onUnsendable();
    const framing = framingOfResponse(head, this.#method, this.#version, last);
    if (this.#link.draining || this.#awaitsContinue || framing === FRAMING.untilClose) this.persists = false;
    // What follows a refused CONNECT may be meant for its tunnel: taken as requests, somebody else would have written them.
    if (this.#method === METHOD.connect && framing !== FRAMING.tunnel) this.persists = false;
    let length = -1;
    if (framing === FRAMING.length) length = last ? 0 : head.contentLength;
    else if (status === 304 || (this.#method === METHOD.head && status !== 204)) length = head.contentLength;
    this.headSent = true;
    this.writer.begin(framing, length);
    writeHead(connection, head, framing, length, framing === FRAMING.tunnel ? PERSISTENCE.unsaid : this.#persistence());
    if (framing === FRAMING.tunnel) {
      this.#isTunnel = true;
      this.received = false;
      this.#link.tunnelOpened(this);
    } else if (last) this.endSending();
  }

  override reset(_reason: ResetReason): void {
    if (this.connection !== null) this.#link.abort(this, 'reset');
  }

  /**
   * Hands the connection to another handler, with every byte that came after the request: for CONNECT (answered 200
   * here unless a 2xx was sent before, in the same turn) and after 101. The codec is out of the game: no callback
   * follows, its timers are off. Throws a WeftError `internal` when there is no tunnel.
   */
  takeover(handler: ConnectionHandler): Connection {
    if (!this.headSent && this.#method === METHOD.connect) this.#acceptTunnel();
    if (!this.#isTunnel || this.connection === null) {
      throw new WeftError('internal', { what: 'only a tunnel can be taken over' });
    }
    return this.#link.takeOver(this, handler);
  }

  protected override onSent(): void {
    // Half-close: the peer's direction lives on until its own FIN.
    if (this.#isTunnel) this.connection?.end();
    this.#link.responseSent(this);
  }

  protected override onUnsendable(): void {
    const { receiver } = this;
    this.#link.abort(this, 'response cannot be completed');
    receiver?.onReset(RESET.protocol);
  }

  protected override onDiscard(): void {
    this.#link.discarding(this);
  }

  #acceptTunnel(): void {
    const head = Head.response(200);
    this.sendHead(head, false);
    head.free();
  }

  #sendInterim(connection: Connection, head: Head): void {
    // HTTP/1.0 does not know them (RFC 9110 section 15.2).
    if (this.#version === 10) return;
    if (head.status === 100) this.#awaitsContinue = false;
    writeHead(connection, head, FRAMING.none, -1, PERSISTENCE.unsaid);
  }

  #persistence(): Persistence {
    if (!this.persists) return PERSISTENCE.close;
    return this.#version === 10 ? PERSISTENCE.keepAlive : PERSISTENCE.unsaid;
  }
}
