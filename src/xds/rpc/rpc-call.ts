/** One gRPC stream and its connection: dialled, secured, then messages both ways until either end has had enough. */
import { EMPTY_BYTES } from '../../core/bytes.ts';
import { FrameReader, MAX_MESSAGE_BYTES, PREFIX_BYTES } from '../../core/grpc-frames.ts';
import {
  type Address,
  type Clock,
  type Connection,
  type ConnectionHandler,
  HIGH_WATER,
  type Net,
  type RpcHandler,
  type RpcStatus,
  type RpcStream,
  type RpcTarget,
} from '../../core/runtime.ts';
import { Timer, type Timers } from '../../core/timer-wheel.ts';
import { CONTENT_TYPE, FieldName } from '../../http/field-name.ts';
import { GRPC_STATUS } from '../../http/grpc/status.ts';
import { Http2Client, type Http2ClientCallbacks } from '../../http/h2/client.ts';
import { Head } from '../../http/head.ts';
import { type MessageReceiver, RESET, type ResetReason, type Stream } from '../../http/message.ts';
import { transmit } from './framed-messages.ts';
import { CALL_LIMITS } from './rpc-limits.ts';
import { statusOfFields, statusOfHead, statusOfReset, unavailable } from './rpc-status.ts';

export interface RpcParts {
  readonly net: Net;
  readonly clock: Clock;
  readonly timers: Timers;
}

const TE = new FieldName('te');
const USER_AGENT = new FieldName('user-agent');
const CONNECT_TIMEOUT_MS = 10_000;
/** A sender that does not look at `writable` loses its stream here. */
const MAX_QUEUED_BYTES = 2 * MAX_MESSAGE_BYTES;

export class RpcCall extends Timer implements RpcStream, ConnectionHandler, Http2ClientCallbacks, MessageReceiver {
  readonly remote: Address;
  readonly #parts: RpcParts;
  readonly #target: RpcTarget;
  readonly #path: string;
  readonly #handler: RpcHandler;
  readonly #reader: FrameReader;
  #connection: Connection;
  #isSecuring = false;
  #client: Http2Client | null = null;
  #stream: Stream | null = null;
  /** Until there is a connection. */
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #isOver = false;
  #isPaused = false;
  /** Bytes that came while paused, whose credit the peer has not got back. */
  #owed = 0;
  #hasEnded = false;
  #isClosed = false;
  /** Why the connection is of no more use. */
  #cause = '';

  constructor(parts: RpcParts, target: RpcTarget, path: string, handler: RpcHandler) {
    super();
    this.remote = target.address;
    this.#parts = parts;
    this.#target = target;
    this.#path = path;
    this.#handler = handler;
    this.#reader = new FrameReader((message) => {
      if (!this.#isClosed) handler.onMessage(message);
    });
    parts.timers.arm(this, CONNECT_TIMEOUT_MS);
    this.#connection = parts.net.connect(target.address, this);
  }

  get writable(): boolean {
    return !this.#isClosed && !this.#isOver;
  }

  send(message: Uint8Array): void {
    if (this.#isClosed || this.#hasEnded) return;
    if (message.length > MAX_MESSAGE_BYTES || this.#queued + message.length > MAX_QUEUED_BYTES) {
      const problem = `more than ${MAX_QUEUED_BYTES} bytes wait to be sent`;
      return this.#fail({ code: GRPC_STATUS.resourceExhausted, message: problem });
    }
    if (this.#stream === null) {
      this.#waiting.push(message);
      this.#waitingBytes += message.length + PREFIX_BYTES;
    } else {
      transmit(this.#stream, message);
    }
    if (this.#queued > HIGH_WATER) this.#isOver = true;
  }

  end(): void {
    if (this.#isClosed || this.#hasEnded) return;
    this.#hasEnded = true;
    this.#stream?.sendData(EMPTY_BYTES, 0, 0, true);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#stream?.release(this.#owed);
    this.#owed = 0;
  }

  destroy(): void {
    this.#fail({ code: GRPC_STATUS.cancelled, message: 'destroyed' });
  }

  /** Of the connection while it is made; the codec's from then on. */
  onOpen(): void {
    if (this.#isClosed) return;
    const { tls } = this.#target;
    if (tls === null || this.#isSecuring) return this.#begin();
    this.#isSecuring = true;
    this.#connection = this.#parts.net.secure(this.#connection, tls, this);
  }

  onBytes(): void {}
  onDrained(): void {}
  onEnd(): void {}

  onClose(reason: string): void {
    this.#close(unavailable(reason === '' ? 'connection: closed by the peer' : reason));
  }

  override fire(): void {
    const { host, port } = this.remote;
    this.#fail(unavailable(`connect: timeout ${host}:${port}`));
  }

  onHead(head: Head, last: boolean): void {
    const isInterim = head.status < 200;
    const status = isInterim ? null : (statusOfHead(head) ?? (last ? statusOfFields(head) : null));
    head.free();
    if (status !== null) this.#fail(status);
    else if (last) this.#fail(WITHOUT_STATUS);
  }

  onData(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    if (this.#isClosed) return;
    // Messages are views of what the reader is given, and these bytes are lent.
    if (this.#isPaused) this.#owed += end - start;
    else this.#stream?.release(end - start);
    const refusal = this.#reader.push(bytes.slice(start, end));
    if (refusal !== null) this.#fail(refusal);
    else if (last) this.#fail(WITHOUT_STATUS);
  }

  onTrailers(fields: Head): void {
    const status = statusOfFields(fields) ?? WITHOUT_STATUS;
    fields.free();
    this.#fail(status);
  }

  onWritable(): void {
    if (!this.#isOver || this.#isClosed) return;
    this.#isOver = false;
    this.#handler.onWritable();
  }

  onReset(reason: ResetReason): void {
    this.#stream = null;
    this.#client?.close();
    this.#close(statusOfReset(reason, this.#cause));
  }

  onRoom(): void {}

  /** The stream goes on if the server has seen it; else it is reset, as refused. */
  onDraining(): void {}
  onLimit(): void {}

  onGone(_client: Http2Client, reason: string): void {
    this.#cause = reason;
  }

  get #queued(): number {
    return this.#waitingBytes + (this.#stream?.unsent ?? 0);
  }

  #begin(): void {
    const { timers, clock } = this.#parts;
    timers.disarm(this);
    const client = new Http2Client({ limits: CALL_LIMITS, timers, clock, callbacks: this });
    this.#client = client;
    client.attach(this.#connection);
    client.onOpen();
    const stream = client.open(this);
    this.#stream = stream;
    const head = this.#head();
    stream.sendHead(head, false);
    head.free();
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const message of waiting) transmit(stream, message);
    if (this.#hasEnded) stream.sendData(EMPTY_BYTES, 0, 0, true);
    else if (this.#isOver && stream.unsent <= HIGH_WATER) this.onWritable();
  }

  #head(): Head {
    const { address, tls } = this.#target;
    const host = address.host.includes(':') ? `[${address.host}]` : address.host;
    const head = Head.request('POST', this.#path, tls?.serverName ?? `${host}:${address.port}`);
    head.appendText(CONTENT_TYPE, 'application/grpc');
    head.appendText(TE, 'trailers');
    head.appendText(USER_AGENT, 'weft');
    return head;
  }

  /** Nothing that we could still say would be read, and nothing more is read here. */
  #fail(status: RpcStatus): void {
    if (this.#isClosed) return;
    const stream = this.#stream;
    const client = this.#client;
    this.#stream = null;
    this.#close(status);
    stream?.reset(RESET.cancelled);
    if (client === null) this.#connection.destroy(status.message);
    else client.close();
  }

  #close(status: RpcStatus): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#parts.timers.disarm(this);
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#handler.onClose(status);
  }
}

const WITHOUT_STATUS: RpcStatus = {
  code: GRPC_STATUS.internal,
  message: 'the peer ended the stream without a status',
};
