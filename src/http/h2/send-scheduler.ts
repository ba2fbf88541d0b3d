/**
 * Who sends when not all can: streams that wait for the connection (its window, or its backlog) stand in a ring and
 * send a frame each in turn, so that a large message delays a small one by a frame, not by itself. A stream that waits
 * for its own window stands in no ring.
 */
import { copyBytes } from '../../core/bytes.ts';
import { type Connection, HIGH_WATER } from '../../core/runtime.ts';
import { DEFAULT_WINDOW, END_STREAM, FRAME, FRAME_HEAD_BYTES, MAX_FRAME_BYTES, putFrameHead } from './frame.ts';

/** What the scheduler needs of a stream. */
export interface Sender {
  readonly id: number;
  /** What the peer lets this stream send. Negative after the peer took credit back (RFC 9113 section 6.9.2). */
  sendWindow: number;
  /** In the ring. */
  inRing: boolean;
  nextInRing: Sender | null;
  /** Sends one frame of what is queued; true when it should stay in the ring. */
  sendQueued(): boolean;
}

export class SendScheduler {
  /** Content of all streams that may not leave yet. */
  queuedBytes = 0;
  readonly #connection: Connection;
  #window = DEFAULT_WINDOW;
  #first: Sender | null = null;
  #last: Sender | null = null;
  #isPumping = false;
  #sentBytes = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** What the peer lets the whole connection send. */
  get window(): number {
    return this.#window;
  }

  /** Of content, ever. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** Whether some stream waits for the connection. */
  get waiting(): boolean {
    return this.#first !== null;
  }

  /** How much of `wanted` bytes this stream may put into its next frame. */
  allowance(stream: Sender, wanted: number): number {
    return Math.min(wanted, stream.sendWindow, this.#window, MAX_FRAME_BYTES);
  }

  /** Whether the connection takes more content now. */
  get open(): boolean {
    return this.#connection.backlog <= HIGH_WATER;
  }

  /** Frames content as far as windows and backlog allow. Returns the offset of the first byte that was not taken. */
  write(stream: Sender, bytes: Uint8Array, start: number, end: number, last: boolean): number {
    const connection = this.#connection;
    // Whoever came first sends first.
    if (this.#first !== null) return start;
    let from = start;
    while (from < end) {
      const length = this.allowance(stream, end - from);
      if (length <= 0 || connection.backlog > HIGH_WATER) return from;
      const at = connection.reserve(FRAME_HEAD_BYTES + length);
      const isEnd = last && from + length === end;
      const { out } = connection;
      const to = putFrameHead(out, at, length, FRAME.data, isEnd ? END_STREAM : 0, stream.id);
      connection.commit(copyBytes(bytes, from, from + length, out, to));
      this.sent(stream, length);
      from += length;
    }
    return from;
  }

  /** Content of this length was put into a frame. */
  sent(stream: Sender, length: number): void {
    stream.sendWindow -= length;
    this.#window -= length;
    this.#sentBytes += length;
  }

  /** Puts a stream with something to send at the end of the ring. */
  wait(stream: Sender): void {
    if (stream.inRing) return;
    stream.inRing = true;
    stream.nextInRing = null;
    if (this.#last === null) this.#first = stream;
    else this.#last.nextInRing = stream;
    this.#last = stream;
  }

  /** False when the sum passes what a window can be. */
  grant(increment: number, maxWindow: number): boolean {
    this.#window += increment;
    return this.#window <= maxWindow;
  }

  /** Sends what may leave now. */
  pump(): void {
    // A receiver that is told of room writes more: into the ring that is being emptied.
    if (this.#isPumping) return;
    this.#isPumping = true;
    try {
      while (this.#first !== null && this.open && !this.#connection.closed) {
        const stream = this.#first;
        this.#first = stream.nextInRing;
        if (this.#first === null) this.#last = null;
        stream.inRing = false;
        stream.nextInRing = null;
        if (stream.sendQueued()) {
          this.wait(stream);
          if (this.#window <= 0) break;
        }
      }
    } finally {
      this.#isPumping = false;
    }
  }
}
