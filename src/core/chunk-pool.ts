/**
 * Byte storage that connections borrow for one turn of the event loop: 64 KiB chunks, reused, so that a proxy under
 * load allocates none. Only byte storage is pooled; objects are not.
 */

/** Also the most that `Connection.reserve` can be asked for. */
export const CHUNK_BYTES = 65_536;

export class ChunkPool {
  readonly #free: Uint8Array[] = [];
  readonly #maxFree: number;

  /** `maxFree` chunks are kept (by default 64, 4 MiB); what is given back beyond that is left to the collector. */
  constructor(maxFree = 64) {
    this.#maxFree = maxFree;
  }

  get free(): number {
    return this.#free.length;
  }

  /** Contents are whatever the last user left. */
  take(): Uint8Array {
    return this.#free.pop() ?? new Uint8Array(new ArrayBuffer(CHUNK_BYTES));
  }

  /** The caller never touches the chunk again. Arrays of another size are ignored. */
  give(chunk: Uint8Array): void {
    if (chunk.length === CHUNK_BYTES && this.#free.length < this.#maxFree) this.#free.push(chunk);
  }
}
