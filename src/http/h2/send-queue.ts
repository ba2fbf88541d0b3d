/**
 * Content of one stream that may not leave yet, copied into pooled pieces: many small writes take no more memory than
 * one large. A stream makes one when it is first held up.
 */
import { copyBytes } from '../../core/bytes.ts';
import { ChunkPool, SMALL_CHUNK_BYTES } from '../../core/chunk-pool.ts';

const pieces = new ChunkPool();

export class SendQueue {
  readonly #pieces: Uint8Array[] = [];
  /** Into the first piece. */
  #start = 0;
  /** Into the last piece. */
  #end = SMALL_CHUNK_BYTES;
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end) {
      if (this.#end === SMALL_CHUNK_BYTES) {
        this.#pieces.push(pieces.takeSmall());
        this.#end = 0;
      }
      const piece = this.#pieces[this.#pieces.length - 1] as Uint8Array; // one was pushed at the latest above
      const count = Math.min(end - at, SMALL_CHUNK_BYTES - this.#end);
      this.#end = copyBytes(bytes, at, at + count, piece, this.#end);
      at += count;
    }
    this.#bytes += end - start;
  }

  /** Moves the first `count` bytes, which are there, to `out[at…]`. Returns the offset after them. */
  take(count: number, out: Uint8Array, at: number): number {
    let to = at;
    let left = count;
    while (left > 0) {
      const piece = this.#pieces[0] as Uint8Array; // `count` bytes are there
      const end = this.#pieces.length === 1 ? this.#end : SMALL_CHUNK_BYTES;
      const moved = Math.min(left, end - this.#start);
      to = copyBytes(piece, this.#start, this.#start + moved, out, to);
      this.#start += moved;
      left -= moved;
      if (this.#start === end) this.#dropFirst(piece);
    }
    this.#bytes -= count;
    return to;
  }

  clear(): void {
    for (const piece of this.#pieces) pieces.give(piece);
    this.#pieces.length = this.#start = this.#bytes = 0;
    this.#end = SMALL_CHUNK_BYTES;
  }

  #dropFirst(piece: Uint8Array): void {
    this.#pieces.shift();
    pieces.give(piece);
    this.#start = 0;
    if (this.#pieces.length === 0) this.#end = SMALL_CHUNK_BYTES;
  }
}
