/**
 * The body of a request between the downstream and whichever try reads it: passed on under back-pressure, held while
 * there is no reader, remembered for a second reading. What is held is bounded by the sender's window, because it is
 * not released; what is remembered by 64 KiB.
 */
import type { ChunkPool } from '../../core/chunk-pool.ts';
import { HIGH_WATER } from '../../core/runtime.ts';
import type { Head } from '../../http/head.ts';
import type { Stream } from '../../http/message.ts';

export class RequestBody {
  /** No more comes from the downstream. */
  ended = false;
  /** Bytes that were sent may be asked for again. */
  replays = false;
  readonly #pool: ChunkPool;
  #trailers: Head | null = null;
  #chunk: Uint8Array | null = null;
  #used = 0;
  /** What did not fit into the chunk; only bytes that nobody has released. */
  #more: Uint8Array[] = [];
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
      this.#hold(bytes, start, end);
      return;
    }
    if (this.replays && !raw) this.#remember(bytes, start, end);
    to.sendData(bytes, start, end, last);
  }

  /** Takes the trailers over; they end the body. */
  passTrailers(fields: Head, to: Stream | null): void {
    this.ended = true;
    this.#trailers = fields;
    to?.sendTrailers(fields);
  }

  /** The head and all that is held, to a new reader. */
  begin(head: Head, to: Stream): void {
    const holds = this.#used > 0 || this.#more.length > 0 || this.#trailers !== null;
    const isWhole = this.ended && !holds;
    to.sendHead(head, isWhole);
    if (!isWhole) this.flush(to);
  }

  /** All that is held, without a head. */
  flush(to: Stream): void {
    const last = this.ended && this.#trailers === null;
    const more = this.#more;
    if (this.#chunk !== null) to.sendData(this.#chunk, 0, this.#used, last && more.length === 0);
    for (const [index, bytes] of more.entries()) {
      to.sendData(bytes, 0, bytes.length, last && index === more.length - 1);
    }
    if (!this.replays || more.length > 0) this.#forget();
    if (this.#trailers !== null) to.sendTrailers(this.#trailers);
  }

  /** Gives the downstream its credit, unless the reader has enough to send. */
  credit(from: Stream, to: Stream | null): void {
    if (to === null || this.#owed === 0 || to.unsent > HIGH_WATER) return;
    const owed = this.#owed;
    this.#owed = 0;
    if (!this.ended) from.release(owed);
  }

  free(): void {
    this.#freeBytes();
    this.#trailers?.free();
    this.#trailers = null;
  }

  #hold(bytes: Uint8Array, start: number, end: number): void {
    if (start === end || this.#append(bytes, start, end)) return;
    this.#more.push(bytes.slice(start, end));
  }

  #remember(bytes: Uint8Array, start: number, end: number): void {
    if (start === end || !this.#isComplete) return;
    if (!this.#append(bytes, start, end)) this.#forget();
  }

  /** There will be no second reading. */
  #forget(): void {
    this.#isComplete = false;
    this.#freeBytes();
  }

  #append(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#more.length > 0) return false;
    const chunk = (this.#chunk ??= this.#pool.take());
    if (end - start > chunk.length - this.#used) return false;
    chunk.set(bytes.subarray(start, end), this.#used);
    this.#used += end - start;
    return true;
  }

  #freeBytes(): void {
    if (this.#chunk !== null) this.#pool.give(this.#chunk);
    this.#chunk = null;
    this.#used = 0;
    this.#more = [];
  }
}
