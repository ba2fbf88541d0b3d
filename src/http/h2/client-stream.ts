/** The client's side of one HTTP/2 stream: where the request goes. Its id is that of its place in line when the head leaves. */
import { UPGRADE } from '../field-name.ts';
import { type Head, UPGRADE_STATE } from '../head.ts';
import { type MessageReceiver, RESET } from '../message.ts';
import { METHOD, type Method } from '../method.ts';
import { Http2Stream, type StreamLink } from './http2-stream.ts';

/** What a client's stream asks of its connection besides. */
export interface ClientLink extends StreamLink {
  /** Gives the stream its id and its windows. */
  begin(stream: Http2ClientStream): void;
  /** Whether the server takes extended CONNECT; null: it has not said yet. */
  readonly takesTunnels: boolean | null;
}

export class Http2ClientStream extends Http2Stream {
  /** Of the request; for the codec, as all that follows. */
  method: Method = METHOD.other;
  /** The protocol that the request asked for by extended CONNECT; empty: none. */
  protocol = '';
  interim = 0;
  /** Reads of the connection when the request left. */
  readsAtStart = 0;
  readonly #client: ClientLink;
  /** The head that waits for the server's SETTINGS; its owner keeps it while the stream lives. */
  #waiting: Head | null = null;

  constructor(link: ClientLink, receiver: MessageReceiver) {
    super(link, 0);
    this.#client = link;
    this.receiver = receiver;
  }

  override sendHead(head: Head, last: boolean): void {
    const { link } = this;
    if (link === null || this.headSent) return;
    this.headSent = true;
    this.method = head.method;
    const isUpgrade = head.upgrade === UPGRADE_STATE.granted;
    if (!isUpgrade) return this.#send(link, head, last);
    const { takesTunnels } = this.#client;
    if (takesTunnels === true) return this.#send(link, head, false);
    if (takesTunnels === false) return this.#refuse();
    this.#waiting = head;
  }

  /** For the codec: the server's SETTINGS have come. */
  settingsCame(): void {
    const { link } = this;
    const head = this.#waiting;
    this.#waiting = null;
    if (link === null || head === null) return;
    if (this.#client.takesTunnels !== true) return this.#refuse();
    this.#send(link, head, false);
    if (!this.closed) this.windowGrew();
  }

  /** For the codec: the response opened a tunnel. */
  tunnelOpened(): void {
    this.openTunnel();
  }

  protected override mayTransmit(): boolean {
    return this.id !== 0;
  }

  protected override onDiscard(link: StreamLink): void {
    // A little that is sure to end is read away; for the rest a reset is cheaper for both.
    const isSmall = this.sent && this.expected >= 0 && this.expected <= this.receiveWindow;
    if (!isSmall) link.resetStream(this, RESET.cancelled);
  }

  #send(link: StreamLink, head: Head, last: boolean): void {
    const isTunnel = head.upgrade === UPGRADE_STATE.granted || head.method === METHOD.connect;
    const ends = last && !isTunnel;
    if (head.upgrade === UPGRADE_STATE.granted) this.protocol = protocolOf(head);
    const length = isTunnel || (last && head.contentLength > 0) ? -1 : head.contentLength;
    if (!last) this.promised = length;
    this.#client.begin(this);
    link.writeHead(this.id, head, length, ends);
    if (ends) this.endedWithHead();
  }

  /** The server speaks no RFC 8441: nobody can open this tunnel here. */
  #refuse(): void {
    const { receiver } = this;
    this.link?.resetStream(this, RESET.cancelled);
    receiver?.onReset(RESET.protocol);
  }
}

function protocolOf(head: Head): string {
  return head.value(UPGRADE) ?? '';
}
