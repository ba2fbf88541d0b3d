/** The client's side of one exchange: where the request goes. */
import type { Connection } from '../../core/runtime.ts';
import { UPGRADE } from '../field-name.ts';
import { FRAMING } from '../framing.ts';
import { type Head, UPGRADE_STATE } from '../head.ts';
import { type MessageReceiver, RESET, type ResetReason } from '../message.ts';
import { METHOD, type Method } from '../method.ts';
import type { BodyWriter } from './body-writer.ts';
import { framingOfRequest, tellsEmptyRequest } from './framing.ts';
import { Http1Stream } from './http1-stream.ts';
import { PERSISTENCE, writeHead } from './write-head.ts';

/** What a stream asks of its connection's codec. */
export interface ClientLink {
  requestBegun(stream: ClientStream): void;
  /** The request is complete; in a tunnel: our direction is. */
  requestSent(stream: ClientStream): void;
  discarding(stream: ClientStream): void;
  abort(stream: ClientStream, reason: string): void;
}

export class ClientStream extends Http1Stream {
  /** Of the request; for the codec. */
  method: Method = METHOD.other;
  /** The protocol that the request asked to change to, with the router's leave, in lower case; else empty. For the codec. */
  askedProtocol = '';
  /** What the connection held more when the whole request was written: as long as it holds that much, nobody has seen it. For the codec. */
  requestBytes = 0;
  readonly #link: ClientLink;
  #isTunnel = false;

  constructor(link: ClientLink, connection: Connection, writer: BodyWriter, receiver: MessageReceiver) {
    super(connection, writer);
    this.#link = link;
    this.receiver = receiver;
  }

  override sendHead(head: Head, last: boolean): void {
    const { connection } = this;
    if (connection === null || this.headSent) return;
    this.headSent = true;
    this.method = head.method;
    if (head.upgrade === UPGRADE_STATE.granted) this.askedProtocol = head.value(UPGRADE)?.toLowerCase() ?? '';
    const framing = framingOfRequest(head, last);
    let length = -1;
    if (framing === FRAMING.length) length = head.contentLength;
    else if (last && tellsEmptyRequest(head)) length = 0;
    this.writer.begin(framing, length);
    this.#link.requestBegun(this);
    const before = connection.unflushed;
    writeHead(connection, head, framing, length, PERSISTENCE.unsaid);
    if (!last) return;
    this.requestBytes = connection.unflushed - before;
    this.endSending();
  }

  /** For the codec: the request's direction is open again, for raw bytes. */
  openTunnel(): void {
    this.#isTunnel = true;
    this.sent = false;
    this.writer.begin(FRAMING.tunnel, -1);
  }

  override reset(_reason: ResetReason): void {
    if (this.connection !== null) this.#link.abort(this, 'reset');
  }

  protected override onSent(): void {
    if (this.#isTunnel) this.connection?.end();
    this.#link.requestSent(this);
  }

  protected override onUnsendable(): void {
    const { receiver } = this;
    this.#link.abort(this, 'request cannot be completed');
    receiver?.onReset(RESET.protocol);
  }

  protected override onDiscard(): void {
    this.#link.discarding(this);
  }
}
