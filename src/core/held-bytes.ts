/**
 * Bytes that were read and cannot be delivered yet: given back by `unread`, or read before a pause took effect. Each
 * connection has one, empty nearly always.
 */
import { copyOf } from './bytes.ts';

export class HeldBytes {
  #parts: Uint8Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Copies, because the bytes are borrowed. */
  append(bytes: Uint8Array, start: number, end: number): void {
    if (start === end) return;
    this.#parts.push(copyOf(bytes, start, end));
    this.#length += end - start;
  }

  /** In front of all that is held. */
  prepend(bytes: Uint8Array, start: number, end: number): void {
    if (start === end) return;
    this.#parts.unshift(copyOf(bytes, start, end));
    this.#length += end - start;
  }

  /** The first part, or null. */
  take(): Uint8Array | null {
    const part = this.#parts.shift() ?? null;
    if (part !== null) this.#length -= part.length;
    return part;
  }

  clear(): void {
    this.#parts = [];
    this.#length = 0;
  }
}
