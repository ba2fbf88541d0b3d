/**
 * Large read buffers for the connections that pass on bytes in bulk: what is read into one is written from it, without a
 * copy and with an eighth of the system calls. A connection has one only while its reads are large; the kernel may keep
 * it for a write, and then it is the write's until that is done.
 */

/** Half of that measured some per cent worse, twice that hardly better: it stays in the second-level cache. */
export const BULK_BYTES = 524_288;
/** 8 MiB in all. Whoever gets none goes on with the shared buffer and a copy. */
const MAX_BUFFERS = 16;
const LOOK_MS = 1_000;

export interface BulkBuffer {
  readonly bytes: Uint8Array;
  /** Reads since the last look. */
  reads: number;
}

export interface BulkReader {
  /** Its buffer lies idle; it must come back unless a read needs it this moment. */
  giveBulkBack(): void;
}

export class BulkBuffers {
  readonly #free: BulkBuffer[] = [];
  readonly #readers = new Map<BulkBuffer, BulkReader>();
  #made = 0;
  #looking: NodeJS.Timeout | null = null;

  /** Null when all are in use. */
  take(reader: BulkReader): BulkBuffer | null {
    const buffer = this.#free.pop() ?? this.#make();
    if (buffer === null) return null;
    buffer.reads = 1;
    this.#readers.set(buffer, reader);
    this.#looking ??= setInterval(() => this.#look(), LOOK_MS).unref();
    return buffer;
  }

  /** From its reader to a write that the kernel has not finished. */
  lend(buffer: BulkBuffer): void {
    this.#readers.delete(buffer);
  }

  give(buffer: BulkBuffer): void {
    this.#readers.delete(buffer);
    this.#free.push(buffer);
  }

  #make(): BulkBuffer | null {
    if (this.#made === MAX_BUFFERS) return null;
    this.#made++;
    return { bytes: new Uint8Array(new ArrayBuffer(BULK_BYTES)), reads: 0 };
  }

  /** A reader that fell silent after a large read would keep its buffer for ever. Free ones go back to the system. */
  #look(): void {
    for (const [buffer, reader] of this.#readers) {
      if (buffer.reads === 0) reader.giveBulkBack();
      else buffer.reads = 0;
    }
    this.#made -= this.#free.length;
    this.#free.length = 0;
    if (this.#made > 0 || this.#looking === null) return;
    clearInterval(this.#looking);
    this.#looking = null;
  }
}
