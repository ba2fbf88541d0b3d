/**
 * A field section that came in more than one frame: HEADERS and its CONTINUATIONs, put together. Nothing else may come
 * between them (RFC 9113 section 6.10), and both their number and their bytes are bounded (CVE-2024-27316).
 */
import { EMPTY_BYTES } from '../../core/bytes.ts';
import { LIMIT, type LimitName } from './limits.ts';

export class HeaderBlock {
  readonly #maxBytes: number;
  readonly #maxFrames: number;
  /** The stream; 0: no section is under way. */
  id = 0;
  endStream = false;
  bytes: Uint8Array = EMPTY_BYTES;
  end = 0;
  #frames = 0;

  constructor(maxBytes: number, maxFrames: number) {
    this.#maxBytes = maxBytes;
    this.#maxFrames = maxFrames;
  }

  begin(id: number, endStream: boolean, bytes: Uint8Array, start: number, end: number): LimitName | null {
    this.id = id;
    this.endStream = endStream;
    this.#frames = 0;
    return this.#append(bytes, start, end);
  }

  /** The bound that fired, or null. */
  continue(bytes: Uint8Array, start: number, end: number): LimitName | null {
    if (++this.#frames > this.#maxFrames) return LIMIT.continuations;
    return this.#append(bytes, start, end);
  }

  reset(): void {
    this.id = this.end = 0;
    this.bytes = EMPTY_BYTES;
  }

  #append(bytes: Uint8Array, start: number, end: number): LimitName | null {
    const used = this.end + end - start;
    if (used > this.#maxBytes) return LIMIT.blockBytes;
    if (used > this.bytes.length) {
      const grown = Buffer.allocUnsafe(used * 2);
      grown.set(this.bytes.subarray(0, this.end));
      this.bytes = grown;
    }
    this.bytes.set(bytes.subarray(start, end), this.end);
    this.end = used;
    return null;
  }
}
