/**
 * Byte storage that connections borrow for one turn of the event loop, reused, so that a proxy under load allocates
 * none: small chunks for messages of ordinary size, so that hundreds of connections that answer in one turn do not need
 * hundreds of large ones. Only byte storage is pooled; objects are not.
 */

/** Also the most that `Connection.reserve` can be asked for. */
export const CHUNK_BYTES = 65_536;

/** A head and a small body, or a dozen frames of small messages. */
export const SMALL_CHUNK_BYTES = 8_192;

export class ChunkPool {
  readonly #free: Uint8Array[] = [];
  readonly #freeSmall: Uint8Array[] = [];
  readonly #maxFreeBytes: number;

  /** As many chunks of each size are kept (by default 4 MiB each); what is given back beyond that is left to the collector. */
  constructor(maxFreeBytes = 4 * 2 ** 20) {
    this.#maxFreeBytes = maxFreeBytes;
  }

  /** Bytes that wait for a user. */
  get freeBytes(): number {
    return this.#free.length * CHUNK_BYTES + this.#freeSmall.length * SMALL_CHUNK_BYTES;
  }

  /** Contents are whatever the last user left. */
  take(): Uint8Array {
    return this.#free.pop() ?? new Uint8Array(new ArrayBuffer(CHUNK_BYTES));
  }

  takeSmall(): Uint8Array {
    return this.#freeSmall.pop() ?? new Uint8Array(new ArrayBuffer(SMALL_CHUNK_BYTES));
  }

  /** The caller never touches the chunk again. Arrays of another size are ignored. */
  give(chunk: Uint8Array): void {
    const { length } = chunk;
    if (length !== CHUNK_BYTES && length !== SMALL_CHUNK_BYTES) return;
    const free = length === CHUNK_BYTES ? this.#free : this.#freeSmall;
    if ((free.length + 1) * length <= this.#maxFreeBytes) free.push(chunk);
  }
}
