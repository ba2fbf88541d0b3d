/** Bytes that are kept in pooled storage until they are sent, or sent again: a small chunk first, because most bodies are. */
import type { ChunkPool } from '../../core/chunk-pool.ts';
import type { Stream } from '../../http/message.ts';

export class KeptBytes {
  /** How many are kept. */
  length = 0;
  readonly #pool: ChunkPool;
  readonly #chunks: Uint8Array[] = [];
  /** Of the last chunk. */
  #used = 0;

  constructor(pool: ChunkPool) {
    this.#pool = pool;
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    this.length += end - start;
    for (let at = start; at < end; ) {
      let chunk = this.#chunks.at(-1);
      if (chunk === undefined || this.#used === chunk.length) {
        chunk = this.#chunks.length === 0 ? this.#pool.takeSmall() : this.#pool.take();
        this.#chunks.push(chunk);
        this.#used = 0;
      }
      const count = Math.min(end - at, chunk.length - this.#used);
      chunk.set(bytes.subarray(at, at + count), this.#used);
      this.#used += count;
      at += count;
    }
  }

  /** In order; they stay kept. Nothing is sent when there are none. */
  sendTo(stream: Pick<Stream, 'sendData'>, last: boolean): void {
    const chunks = this.#chunks;
    for (let i = 0; i < chunks.length; i++) {
      const chunk = chunks[i] as Uint8Array; // i < length
      const isLast = i === chunks.length - 1;
      stream.sendData(chunk, 0, isLast ? this.#used : chunk.length, last && isLast);
    }
  }

  free(): void {
    for (const chunk of this.#chunks) this.#pool.give(chunk);
    this.#chunks.length = 0;
    this.#used = this.length = 0;
  }
}
