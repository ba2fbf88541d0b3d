/**
 * The body of a request between the downstream and whichever try reads it: passed on under back-pressure, held while
 * there is no reader, remembered for a second reading. What is held is bounded by the sender's window, because it is
 * not released; what is remembered by the route.
 */
import type { ChunkPool } from '../../core/chunk-pool.ts';
import { HIGH_WATER } from '../../core/runtime.ts';
import type { Head } from '../../http/head.ts';
import type { Stream } from '../../http/message.ts';
import { KeptBytes } from './kept-bytes.ts';

export class RequestBody {
  /** No more comes from the downstream. */
  ended = false;
  /** So many bytes that were sent may be asked for again; 0: none. */
  maxReplayBytes = 0;
  readonly #pool: ChunkPool;
  #trailers: Head | null = null;
  /** Made for the first byte that is kept: most requests have none. */
  #kept: KeptBytes | null = null;
  #isComplete = true;
  /** Bytes that the downstream has no credit back for. */
  #owed = 0;

  constructor(pool: ChunkPool) {
    this.#pool = pool;
  }

  /** Everything of the body so far is here, so another try can have it. */
  get complete(): boolean {
    return this.#isComplete;
  }

  /** Bytes came from the downstream: it wants credit for them. */
  arrived(bytes: number): void {
    this.#owed += bytes;
  }

  /** `to` null: nobody reads yet. `raw`: in a tunnel nothing is remembered. */
  pass(bytes: Uint8Array, start: number, end: number, last: boolean, to: Stream | null, raw: boolean): void {
    if (last) this.ended = true;
    if (to === null) {
      if (end > start) this.#keep(bytes, start, end);
      return;
    }
    if (!raw && end > start) this.#remember(bytes, start, end);
    to.sendData(bytes, start, end, last);
  }

  /** Takes the trailers over; they end the body. */
  passTrailers(fields: Head, to: Stream | null): void {
    this.ended = true;
    this.#trailers = fields;
    to?.sendTrailers(fields);
  }

  /** It has ended before it began. */
  get isEmpty(): boolean {
    return this.ended && this.#kept === null && this.#trailers === null;
  }

  /** All that has come, before any of it was sent; what is kept stays so. */
  copyTo(other: Pick<Stream, 'sendData' | 'sendTrailers'>): void {
    this.#kept?.sendTo(other, this.ended && this.#trailers === null);
    if (this.#trailers !== null) other.sendTrailers(this.#trailers);
  }

  /** The head and all that is kept, to a new reader. */
  begin(head: Head, to: Stream): void {
    const isWhole = this.isEmpty;
    to.sendHead(head, isWhole);
    if (!isWhole) this.flush(to);
  }

  /** All that is kept, without a head. */
  flush(to: Stream): void {
    const last = this.ended && this.#trailers === null;
    const kept = this.#kept;
    if (kept !== null) {
      kept.sendTo(to, last);
      if (kept.length > this.maxReplayBytes) this.#forget();
    }
    if (this.#trailers !== null) to.sendTrailers(this.#trailers);
  }

  /** There will be no further reader. */
  settle(): void {
    if (this.#kept !== null) this.#forget();
    this.maxReplayBytes = 0;
  }

  /** Gives the downstream its credit, unless the reader has enough to send. */
  credit(from: Stream, to: Stream | null): void {
    if (to === null || this.#owed === 0 || to.unsent > HIGH_WATER) return;
    const owed = this.#owed;
    this.#owed = 0;
    if (!this.ended) from.release(owed);
  }

  free(): void {
    this.#kept?.free();
    this.#kept = null;
    this.#trailers?.free();
    this.#trailers = null;
  }

  #keep(bytes: Uint8Array, start: number, end: number): void {
    (this.#kept ??= new KeptBytes(this.#pool)).append(bytes, start, end);
  }

  #remember(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#isComplete) return;
    const length = this.#kept === null ? 0 : this.#kept.length;
    if (length + end - start <= this.maxReplayBytes) this.#keep(bytes, start, end);
    else this.#forget();
  }

  /** There will be no second reading. */
  #forget(): void {
    this.#isComplete = false;
    this.#kept?.free();
    this.#kept = null;
  }
}
