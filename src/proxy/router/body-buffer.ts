/**
 * The part of a message body that a proxy holds on to: what came before there was anybody to send it to, and what a
 * retry would have to send again. Bounded by the sender's window for the first and by 64 KiB for the second.
 */
import type { ChunkPool } from '../../core/chunk-pool.ts';
import type { Stream } from '../../http/message.ts';

export class BodyBuffer {
  readonly #pool: ChunkPool;
  #chunk: Uint8Array | null = null;
  #used = 0;
  /** What did not fit into the chunk; only of bytes that nobody has released. */
  #more: Uint8Array[] = [];
  #complete = true;

  constructor(pool: ChunkPool) {
    this.#pool = pool;
  }

  /** Everything of the body so far is here, so it can be sent again. */
  get complete(): boolean {
    return this.#complete;
  }

  get empty(): boolean {
    return this.#used === 0;
  }

  /** Keeps bytes that wait for a stream. The caller does not release them, which is what bounds them. */
  keep(bytes: Uint8Array, start: number, end: number): void {
    if (start === end || this.#append(bytes, start, end)) return;
    this.#more.push(bytes.slice(start, end));
  }

  /** Remembers bytes that are being sent, as long as all of them fit. */
  remember(bytes: Uint8Array, start: number, end: number): void {
    if (start === end || !this.#complete) return;
    if (this.#more.length > 0 || !this.#append(bytes, start, end)) this.forget();
  }

  /** There will be no second sending. */
  forget(): void {
    this.#complete = false;
    this.#free();
  }

  /** Sends everything that is kept, `last` with its end. What lay beyond the bound cannot be sent again. */
  sendTo(stream: Stream, last: boolean): void {
    const more = this.#more;
    if (this.#chunk !== null) stream.sendData(this.#chunk, 0, this.#used, last && more.length === 0);
    if (more.length === 0) return;
    this.#more = [];
    this.#complete = false;
    for (const [index, bytes] of more.entries()) {
      stream.sendData(bytes, 0, bytes.length, last && index === more.length - 1);
    }
    this.#free();
  }

  /** Gives the storage back. */
  free(): void {
    this.#free();
  }

  #append(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#more.length > 0) return false;
    const chunk = (this.#chunk ??= this.#pool.take());
    if (end - start > chunk.length - this.#used) return false;
    chunk.set(bytes.subarray(start, end), this.#used);
    this.#used += end - start;
    return true;
  }

  #free(): void {
    if (this.#chunk !== null) this.#pool.give(this.#chunk);
    this.#chunk = null;
    this.#used = 0;
    this.#more = [];
  }
}
