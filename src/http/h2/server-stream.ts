/** The server's side of one HTTP/2 stream: where the response goes. */
import { FRAMING } from '../framing.ts';
import { isGrpcCall } from '../grpc/content.ts';
import { isBodiless, isTunnel } from '../h1/framing.ts';
import { type Head, UPGRADE_STATE } from '../head.ts';
import type { MessageReceiver } from '../message.ts';
import { METHOD, type Method } from '../method.ts';
import { EarlyBytes } from './early-bytes.ts';
import { Http2Stream, type StreamLink } from './http2-stream.ts';

export class Http2ServerStream extends Http2Stream {
  readonly #method: Method;
  readonly #asksUpgrade: boolean;
  readonly #request: Head;
  /** What came for a tunnel that is not open yet. */
  #early: EarlyBytes | null = null;

  constructor(link: StreamLink, id: number, request: Head, endStream: boolean) {
    super(link, id);
    this.#method = request.method;
    this.#asksUpgrade = request.upgrade !== UPGRADE_STATE.none;
    this.#request = request;
    this.headReceived = true;
    this.received = endStream;
    this.expected = endStream ? -1 : request.contentLength;
  }

  /** Whether the request asks for a tunnel: its content, if it comes to that, is none of the request's. */
  get asksTunnel(): boolean {
    return this.#asksUpgrade || this.#method === METHOD.connect;
  }

  /**
   * A message that has an end is sent with some speed. A conversation is not: a tunnel, a gRPC call, and whatever is
   * answered while it is still sent without a length; those are bounded by silence and age alone.
   */
  override get awaitsContent(): boolean {
    if (this.received || this.receiver === null || this.asksTunnel) return false;
    return this.expected >= 0 || !(this.headSent || isGrpcCall(this.#request));
  }

  /** For the codec: who hears of the request. */
  listen(receiver: MessageReceiver): void {
    if (this.closed) return;
    this.receiver = receiver;
    if (!this.asksTunnel) return;
    this.takesTrailers = false;
    this.#early = new EarlyBytes(receiver);
    this.receiver = this.#early;
  }

  override sendHead(head: Head, last: boolean): void {
    const { link } = this;
    if (link === null || this.headSent) return;
    const { status } = head;
    if (status < 200 && status !== 101) return link.writeHead(this.id, head, -1, false);
    const isGranted = status === 101 && head.upgrade === UPGRADE_STATE.granted;
    const opens = this.#asksUpgrade ? isGranted : isTunnel(status, this.#method);
    // 101 unasked is nothing in HTTP/2, and 2xx to an extended CONNECT would promise a tunnel (RFC 8441 section 5).
    if (status === 101 ? !opens : this.#asksUpgrade && status < 300) return this.unsendable();
    this.headSent = true;
    if (opens) return this.#open(link, head, last);
    this.#dropEarly();
    const isBare = isBodiless(status, this.#method);
    const tells = isBare ? status === 304 || (this.#method === METHOD.head && status !== 204) : !last;
    const isEmpty = last && head.contentLength === 0 && head.framing !== FRAMING.none;
    const length = tells ? head.contentLength : isEmpty ? 0 : -1;
    if (!isBare && !last) this.promised = head.contentLength;
    link.writeHead(this.id, head, length, last || isBare);
    if (last || isBare) this.endedWithHead();
  }

  protected override onDiscard(link: StreamLink): void {
    if (this.ended) link.linger();
  }

  #open(link: StreamLink, head: Head, last: boolean): void {
    this.openTunnel();
    link.writeHead(this.id, head, -1, last);
    if (last) this.endedWithHead();
    const early = this.#early;
    this.#early = null;
    if (early === null || this.closed) return;
    this.receiver = early.receiver;
    early.flush();
  }

  /** No tunnel after all: nobody wants what was meant for it. */
  #dropEarly(): void {
    if (this.#early === null) return;
    this.#early.clear();
    this.#early = null;
    this.takesTrailers = true;
    this.discard();
  }
}
