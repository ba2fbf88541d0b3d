/** The client end of HTTP/2 on a connection that exists: requests out, responses judged as strictly as requests. */
import type { Connection } from '../../core/runtime.ts';
import { UPGRADE } from '../field-name.ts';
import { FRAMING } from '../framing.ts';
import { isBodiless, isTunnel } from '../h1/framing.ts';
import { HEAD_TOO_LARGE, TOO_MANY_FIELDS } from '../h1/refusal.ts';
import { Head, UPGRADE_STATE } from '../head.ts';
import { type MessageReceiver, RESET, type ResetReason, type Stream } from '../message.ts';
import { METHOD } from '../method.ts';
import { ALARM } from './alarm.ts';
import { type ClientLink, Http2ClientStream } from './client-stream.ts';
import { ERROR, reasonOf } from './error-code.ts';
import { MAX_STREAM_ID } from './frame.ts';
import { Http2Frames } from './frames.ts';
import { BLOCK } from './hpack/decoder.ts';
import { LIMIT, type LimitName } from './limits.ts';
import type { LinkOptions } from './link.ts';
import { SETTING, writePreface, writeSettings } from './settings.ts';
import { writeGoaway } from './write-frame.ts';

/** What the session tells its client. */
export interface ClientEvents {
  onLimit(name: LimitName): void;
  /** `room` has grown from 0, or is known for the first time. */
  roomGrew(): void;
  /** No new streams: the server said so, or ids have run out. */
  draining(): void;
  /** Nothing more comes of this connection; before its streams hear of it. */
  over(reason: string): void;
}

export class ClientSession extends Http2Frames<Http2ClientStream> implements ClientLink {
  readonly #events: ClientEvents;
  /** Opened, their heads not sent. */
  readonly #unsent: Http2ClientStream[] = [];
  #nextId = 1;
  #opened = 0;
  #isConnected = false;
  #hasSettled = false;
  #isDraining = false;
  /** The server's word on it: streams above were refused. */
  #lastAccepted = Number.POSITIVE_INFINITY;
  #isClosing = false;
  #hasRoom = true;

  constructor(connection: Connection, options: LinkOptions, events: ClientEvents) {
    super(connection, options, false);
    const { limits } = options;
    this.#events = events;
    writePreface(connection);
    writeSettings(connection, [
      [SETTING.headerTableSize, limits.maxTableBytes],
      [SETTING.enablePush, 0],
      [SETTING.initialWindowSize, limits.streamWindowBytes],
      [SETTING.maxHeaderListSize, limits.maxHeadBytes],
    ]);
    this.windows.start();
  }

  override get active(): number {
    return this.streams.size + this.#unsent.length;
  }

  /** Streams that may be opened now. */
  get room(): number {
    if (this.over || this.#isDraining || this.#isClosing) return 0;
    const { maxConcurrentStreams } = this.limits;
    return Math.max(0, Math.min(this.peer.maxConcurrentStreams, maxConcurrentStreams) - this.active);
  }

  get settled(): boolean {
    return this.peer.known;
  }

  get takesTunnels(): boolean | null {
    return this.peer.known ? this.peer.connectProtocol : null;
  }

  open(receiver: MessageReceiver): Stream {
    const stream = new Http2ClientStream(this, receiver);
    this.#unsent.push(stream);
    this.#opened++;
    if (this.room === 0) this.#hasRoom = false;
    return stream;
  }

  /** Takes no further stream, and ends when there are none. */
  close(): void {
    this.#isClosing = true;
    this.#endWhenIdle();
  }

  begin(stream: Http2ClientStream): void {
    this.#forget(stream);
    stream.id = this.#nextId;
    stream.sendWindow = this.peer.initialWindow;
    stream.receiveWindow = this.windows.openBytes;
    stream.readsAtStart = this.reads;
    this.streams.add(stream);
    this.#nextId += 2;
    if (this.#nextId > MAX_STREAM_ID) this.#drain();
  }

  override onOpen(): void {
    this.#isConnected = true;
  }

  onEnd(): void {
    this.connection.destroy('the server closed the connection');
  }

  override resetStream(stream: Http2ClientStream, reason: ResetReason): void {
    this.#forget(stream);
    super.resetStream(stream, reason);
  }

  protected override onBlock(id: number, endStream: boolean, bytes: Uint8Array, start: number, end: number): void {
    const stream = this.streams.get(id);
    if (stream === null) {
      if (this.isIdle(id)) return this.fail(ERROR.protocol, 'HEADERS on a stream that nobody opened');
      return this.onLateBlock(id, bytes, start, end);
    }
    if (stream.headReceived) return this.onTrailers(stream, endStream, bytes, start, end);
    const head = new Head();
    const code = this.decode(bytes, start, end, head, BLOCK.response);
    if (this.over) return;
    if (code !== 0) return this.#refuse(stream, code === HEAD_TOO_LARGE || code === TOO_MANY_FIELDS);
    if (!this.#judge(stream, head, endStream)) {
      head.free();
      return this.#refuse(stream, false);
    }
    if (head.status < 200) this.#interim(stream, head);
    else this.#answer(stream, head, endStream);
  }

  protected override isIdle(id: number): boolean {
    // We allow no pushed streams, so no even one has ever been opened.
    return (id & 1) === 0 || id >= this.#nextId;
  }

  protected override mayReset(): boolean {
    return true;
  }

  protected override reasonForReset(code: number): ResetReason {
    return reasonOf(code, false);
  }

  protected override onGoaway(lastId: number): void {
    this.#drain();
    // Said again, it is no work for every stream again.
    const refuses = lastId < this.#lastAccepted;
    if (refuses) this.#lastAccepted = lastId;
    for (const stream of refuses ? this.streams.list() : []) {
      if (stream.id <= lastId) continue;
      // A server that answers them all the same must not cost those that it goes on with.
      this.recent.add(stream.id);
      this.drop(stream, RESET.refused);
    }
    this.#endWhenIdle();
  }

  protected override settingsChanged(): void {
    for (const stream of [...this.#unsent]) stream.settingsCame();
    if (!this.#hasSettled) {
      this.#hasSettled = true;
      this.#hasRoom = this.room > 0;
      this.#events.roomGrew();
    } else this.#tellRoom();
  }

  protected override drainAnswered(): void {}

  protected override onLimit(name: LimitName): void {
    this.#events.onLimit(name);
  }

  protected override onOver(reason: string): void {
    this.#events.over(reason);
    this.#refuseUnsent();
  }

  protected override onGone(): void {}

  protected override causeFor(stream: Http2ClientStream, reason: ResetReason): ResetReason {
    if (!this.#isConnected) return RESET.connect;
    if (reason !== RESET.connection) return reason;
    // A connection that had served before and has not said a word since: it was dead when the request left.
    return this.#opened > 1 && this.reads > 0 && stream.readsAtStart === this.reads ? RESET.stale : RESET.connection;
  }

  protected override streamGone(): void {
    if (this.active === 0) {
      this.alarms.arm(ALARM.idle, this.limits.idleTimeoutMs);
      this.#endWhenIdle();
    }
    this.#tellRoom();
  }

  #judge(stream: Http2ClientStream, head: Head, endStream: boolean): boolean {
    const { status } = head;
    // RFC 9113 section 8.6: there is no 101 in HTTP/2.
    if (status < 200) return !endStream && status !== 101 && status >= 100;
    if (status > 599) return false;
    return !endStream || head.contentLength <= 0 || isBodiless(status, stream.method);
  }

  #interim(stream: Http2ClientStream, head: Head): void {
    if (++stream.interim > this.limits.maxInterim) {
      head.free();
      this.onLimit(LIMIT.interim);
      return this.streamError(stream.id, stream, ERROR.enhanceYourCalm, RESET.limit);
    }
    if (stream.receiver === null) head.free();
    else stream.receiver.onHead(head, false);
  }

  #answer(stream: Http2ClientStream, head: Head, endStream: boolean): void {
    stream.headReceived = true;
    const { status } = head;
    const isConnect = stream.method === METHOD.connect;
    if (status < 300 && !endStream && (stream.protocol !== '' || (isConnect && isTunnel(status, METHOD.connect)))) {
      if (stream.protocol !== '') switchProtocols(head, stream.protocol);
      head.framing = FRAMING.tunnel;
      stream.tunnelOpened();
    } else if (isBodiless(status, stream.method)) {
      head.framing = FRAMING.none;
      stream.expected = 0;
    } else {
      head.framing = endStream ? FRAMING.none : head.contentLength >= 0 ? FRAMING.length : FRAMING.chunked;
      stream.expected = head.contentLength;
    }
    if (endStream) stream.received = true;
    if (stream.receiver === null) head.free();
    else stream.receiver.onHead(head, endStream);
    if (endStream && !stream.closed) this.messageReceived(stream);
  }

  #refuse(stream: Http2ClientStream, isLimit: boolean): void {
    if (isLimit) this.onLimit(LIMIT.headBytes);
    this.streamError(stream.id, stream, ERROR.protocol, isLimit ? RESET.limit : RESET.protocol);
  }

  #drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.#events.draining();
    this.#refuseUnsent();
  }

  /** Their requests have not left: any other connection may carry them. */
  #refuseUnsent(): void {
    for (const stream of this.#unsent.splice(0)) {
      const reason = this.#isConnected ? RESET.refused : RESET.connect;
      if (!stream.closed) this.drop(stream, reason);
    }
  }

  #forget(stream: Http2ClientStream): void {
    const last = this.#unsent.length - 1;
    if (last < 0) return;
    // Nearly always: opened last, and sent at once.
    if (this.#unsent[last] === stream) {
      this.#unsent.pop();
      return;
    }
    const index = this.#unsent.indexOf(stream);
    if (index >= 0) this.#unsent.splice(index, 1);
  }

  #tellRoom(): void {
    if (this.#hasRoom || this.room === 0) return;
    this.#hasRoom = true;
    this.#events.roomGrew();
  }

  #endWhenIdle(): void {
    if (this.over || this.active > 0 || !(this.#isDraining || this.#isClosing)) return;
    writeGoaway(this.connection, 0, ERROR.none, '');
    this.finish('', RESET.connection);
  }
}

/** Inside the proxy the answer to an extended CONNECT is that of an HTTP/1.1 upgrade. */
function switchProtocols(head: Head, protocol: string): void {
  head.setStatus(101);
  head.upgrade = UPGRADE_STATE.granted;
  head.appendText(UPGRADE, protocol);
}
