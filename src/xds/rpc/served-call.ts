/** One gRPC stream at its serving end: who accepts it is asked for a handler, then messages go both ways until a status. */
import { FrameReader, MAX_MESSAGE_BYTES } from '../../core/grpc-frames.ts';
import {
  type Address,
  type ConnectionInfo,
  HIGH_WATER,
  type PeerCertificate,
  type RpcAccept,
  type RpcHandler,
  type RpcStatus,
  type RpcStream,
} from '../../core/runtime.ts';
import { CONTENT_TYPE } from '../../http/field-name.ts';
import { isGrpcCall } from '../../http/grpc/content.ts';
import { GRPC_STATUS, GRPC_STATUS_FIELD } from '../../http/grpc/status.ts';
import { Head } from '../../http/head.ts';
import { type MessageReceiver, RESET, type ResetReason, type Stream } from '../../http/message.ts';
import { transmit } from './framed-messages.ts';
import { encodeMessage, GRPC_MESSAGE, statusOfReset } from './rpc-status.ts';

/** A sender that does not look at `writable` loses its stream here. */
const MAX_QUEUED_BYTES = 2 * MAX_MESSAGE_BYTES;
const OK: RpcStatus = { code: GRPC_STATUS.ok, message: '' };

export class ServedCall implements RpcStream, MessageReceiver {
  readonly remote: Address;
  readonly #accept: RpcAccept;
  readonly #peer: PeerCertificate | null;
  readonly #reader: FrameReader;
  readonly #stream: Stream;
  #handler: RpcHandler | null = null;
  /** Before the head of the answer has gone: what the acceptor says at once waits for it. */
  #early: Uint8Array[] | null = [];
  #isFull = false;
  #isPaused = false;
  /** Bytes that came while paused, whose credit the peer has not got back. */
  #owed = 0;
  #isOver = false;

  /** `info`: of its connection. Messages are at most `maxMessageBytes` long, by default 64 MiB. */
  constructor(stream: Stream, info: ConnectionInfo, accept: RpcAccept, maxMessageBytes?: number) {
    this.#stream = stream;
    this.remote = info.remote;
    this.#peer = info.tls?.peer ?? null;
    this.#accept = accept;
    this.#reader = new FrameReader((message) => {
      if (!this.#isOver) this.#handler?.onMessage(message);
    }, maxMessageBytes);
  }

  get writable(): boolean {
    return !this.#isOver && !this.#isFull;
  }

  get unsent(): number {
    return this.#stream.unsent;
  }

  send(message: Uint8Array): void {
    if (this.#isOver) return;
    if (this.#early !== null) {
      this.#early.push(message);
      return;
    }
    const { unsent } = this.#stream;
    if (message.length > MAX_MESSAGE_BYTES || unsent + message.length > MAX_QUEUED_BYTES) {
      const problem = `more than ${MAX_QUEUED_BYTES} bytes wait to be sent`;
      return this.end({ code: GRPC_STATUS.resourceExhausted, message: problem });
    }
    transmit(this.#stream, message);
    if (this.#stream.unsent > HIGH_WATER) this.#isFull = true;
  }

  end(status: RpcStatus = OK): void {
    if (this.#isOver) return;
    if (this.#early !== null) this.#answer();
    const fields = new Head();
    write(fields, status);
    this.#stream.sendTrailers(fields);
    fields.free();
    this.#stream.discard();
    this.#close(status);
  }

  destroy(): void {
    if (this.#isOver) return;
    this.#close({ code: GRPC_STATUS.cancelled, message: 'destroyed' });
    this.#stream.reset(RESET.cancelled);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#stream.release(this.#owed);
    this.#owed = 0;
  }

  onHead(head: Head, last: boolean): void {
    const isCall = isGrpcCall(head);
    const path = head.pathText;
    head.free();
    if (!isCall) return this.#refuse(Head.response(415));
    const answer = this.#accept(this, path, this.#peer);
    if ('code' in answer) {
      const refusal = answerHead();
      write(refusal, answer);
      return this.#refuse(refusal);
    }
    this.#handler = answer;
    if (this.#isOver) return;
    this.#answer();
    if (last) this.end();
  }

  onData(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    if (this.#isOver) return;
    if (this.#isPaused) this.#owed += end - start;
    else this.#stream.release(end - start);
    // Messages are views of what the reader is given, and these bytes are lent.
    const refusal = this.#reader.push(bytes.slice(start, end));
    if (refusal !== null) this.end(refusal);
    else if (last) this.#endOfClient();
  }

  onTrailers(fields: Head): void {
    fields.free();
    this.#endOfClient();
  }

  onWritable(): void {
    if (!this.#isFull || this.#isOver) return;
    this.#isFull = false;
    this.#handler?.onWritable();
  }

  onReset(reason: ResetReason): void {
    this.#close(statusOfReset(reason, ''));
  }

  #answer(): void {
    const early = this.#early ?? [];
    this.#early = null;
    const head = answerHead();
    this.#stream.sendHead(head, false);
    head.free();
    for (const message of early) this.send(message);
  }

  #refuse(head: Head): void {
    this.#isOver = true;
    this.#stream.sendHead(head, true);
    head.free();
    this.#stream.discard();
  }

  /** The client has said all it wants to say; a stream of ours never outlives that. */
  #endOfClient(): void {
    const isWhole = this.#reader.idle;
    this.end(isWhole ? OK : { code: GRPC_STATUS.internal, message: 'the last message is incomplete' });
  }

  #close(status: RpcStatus): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handler?.onClose(status);
  }
}

function answerHead(): Head {
  const head = Head.response(200);
  head.appendText(CONTENT_TYPE, 'application/grpc');
  return head;
}

function write(fields: Head, { code, message }: RpcStatus): void {
  fields.appendText(GRPC_STATUS_FIELD, String(code));
  if (message !== '') fields.appendText(GRPC_MESSAGE, encodeMessage(message));
}
