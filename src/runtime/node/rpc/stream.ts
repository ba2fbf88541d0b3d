/** What both ends of an RPC stream have in common: framing, back-pressure, one close. */
import type { Http2Stream } from 'node:http2';
import type { Address, RpcHandler, RpcStatus, RpcStream } from '../../../core/runtime.ts';
import { FrameReader, MAX_MESSAGE_BYTES, PREFIX_BYTES } from '../../../core/grpc-frames.ts';
import { SlicedWriter } from './sliced-writer.ts';
import { RESOURCE_EXHAUSTED } from './status.ts';

/** `writable` turns false above this. */
const HIGH_BYTES = 1024 * 1024;
/** A sender that does not look at `writable` loses its stream here. */
const MAX_QUEUED_BYTES = 2 * MAX_MESSAGE_BYTES;

export abstract class FramedStream implements RpcStream {
  abstract readonly remote: Address;
  protected stream: Http2Stream | null = null;
  protected closed = false;
  protected ended = false;
  readonly #report: (error: unknown) => void;
  readonly #reader: FrameReader;
  #handler: RpcHandler | null;
  #writer: SlicedWriter | null = null;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #over = false;
  #paused = false;

  constructor(handler: RpcHandler | null, report: (error: unknown) => void, maxMessageBytes?: number) {
    this.#reader = new FrameReader((message) => this.#deliver(message), maxMessageBytes);
    this.#handler = handler;
    this.#report = report;
  }

  get writable(): boolean {
    return !this.closed && !this.#over;
  }

  send(message: Uint8Array): void {
    if (this.closed || this.ended) return;
    if (message.length > MAX_MESSAGE_BYTES || this.unsent + message.length > MAX_QUEUED_BYTES) {
      this.fail({ code: RESOURCE_EXHAUSTED, message: `more than ${MAX_QUEUED_BYTES} bytes wait to be sent` });
      return;
    }
    if (this.#writer === null) {
      this.#waiting.push(message);
      this.#waitingBytes += message.length + PREFIX_BYTES;
    } else {
      this.#writer.write(message);
    }
    if (this.unsent > HIGH_BYTES) this.#over = true;
  }

  abstract end(status?: RpcStatus): void;

  pause(): void {
    this.#paused = true;
    this.stream?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.stream?.resume();
  }

  abstract destroy(): void;

  /** Ends the stream towards the peer and reports `status` to the handler. */
  protected abstract fail(status: RpcStatus): void;

  protected setHandler(handler: RpcHandler): void {
    this.#handler = handler;
  }

  /** The transport is there: what waited goes out, what comes in is cut into messages. */
  protected begin(stream: Http2Stream): void {
    this.stream = stream;
    const writer = new SlicedWriter(stream, () => this.#written());
    this.#writer = writer;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const message of waiting) writer.write(message);
    stream.on('data', (bytes: Buffer) => {
      if (this.closed) return;
      const refusal = this.#reader.push(bytes);
      if (refusal !== null) this.fail(refusal);
    });
    if (this.#paused) stream.pause();
  }

  /** Half-closes it after all that was sent. */
  protected endWrites(): void {
    this.#writer?.end();
  }

  /** True when the peer ended between two messages. */
  protected get complete(): boolean {
    return this.#reader.idle;
  }

  protected close(status: RpcStatus): void {
    if (this.closed) return;
    this.closed = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#writer?.drop();
    const handler = this.#handler;
    if (handler !== null) this.#guarded(() => handler.onClose(status));
  }

  get unsent(): number {
    return this.#waitingBytes + (this.#writer?.queuedBytes ?? 0);
  }

  #written(): void {
    if (!this.#over || this.closed || this.unsent > HIGH_BYTES / 4) return;
    this.#over = false;
    this.#guarded(() => this.#handler?.onWritable());
  }

  #deliver(message: Uint8Array): void {
    if (!this.closed) this.#guarded(() => this.#handler?.onMessage(message));
  }

  #guarded(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#report(error);
      this.destroy();
    }
  }
}
