/**
 * Turns bytes as they arrive into complete heads. A head within one read is scanned in place and copied once; one that
 * is split is collected, up to the limit, and scanned line by line as its lines complete.
 */
import { Head } from '../head.ts';
import { HEAD_TOO_LARGE, TARGET_TOO_LONG } from './refusal.ts';

/** `scanRequest`, `scanResponse` or `scanFields`. */
export type Scan = (head: Head, bytes: Uint8Array, base: number, end: number, maxFields: number) => number;

const LF = 0x0a;
const CR = 0x0d;
const FIRST_BYTES = 2048;

export class HeadReader {
  /** Set by `read` when a head is complete; the caller takes it (and owns it) before it reads on. */
  head: Head | null = null;
  /** Set by `read` when the head is refused, else 0. */
  refusal = 0;
  readonly #scan: Scan;
  readonly #maxBytes: number;
  readonly #maxFields: number;
  #partial: Head | null = null;
  #kept: Buffer | null = null;
  #length = 0;

  constructor(scan: Scan, maxBytes: number, maxFields: number) {
    this.#scan = scan;
    this.#maxBytes = maxBytes;
    this.#maxFields = maxFields;
  }

  /** Whether bytes of an unfinished head wait. */
  get started(): boolean {
    return this.#kept !== null;
  }

  /** Whether what waits is the empty line that may precede a request, which is not the beginning of one. */
  get blank(): boolean {
    return this.#kept !== null && this.#length <= 2 && this.#kept[0] === CR;
  }

  /** Reads from `at`; returns the offset after the head, or `end` when all was kept. */
  read(bytes: Uint8Array, at: number, end: number): number {
    if (this.#kept !== null) return this.#readOn(this.#kept, bytes, at, end);
    const head = new Head();
    const visible = Math.min(end, at + this.#maxBytes);
    const length = this.#scan(head, bytes, at, visible, this.#maxFields);
    if (length > 0) {
      this.#finish(head, bytes, at);
      return at + length;
    }
    if (length < 0 || visible < end || end - at >= this.#maxBytes) return this.#refuse(head, length, end);
    this.#partial = head;
    this.#kept = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, end - at));
    this.#kept.set(bytes.subarray(at, end));
    this.#length = end - at;
    return end;
  }

  /** Forgets an unfinished head. */
  reset(): void {
    this.#partial?.free();
    this.#partial = null;
    this.#kept = null;
    this.#length = 0;
  }

  #readOn(held: Buffer, bytes: Uint8Array, at: number, end: number): number {
    const before = this.#length;
    const taken = Math.min(end - at, this.#maxBytes - before);
    const kept = before + taken <= held.length ? held : this.#grow(held, before + taken);
    kept.set(bytes.subarray(at, at + taken), before);
    this.#length = before + taken;
    // Without an LF no line has completed, and the unfinished one is not looked at again.
    const partial = this.#partial ?? new Head();
    const lineEnded = kept.subarray(before, this.#length).includes(LF);
    const length = lineEnded ? this.#scan(partial, kept, 0, this.#length, this.#maxFields) : 0;
    if (length > 0) {
      this.#partial = null;
      this.#finish(partial, kept, 0);
      this.reset();
      return at + length - before;
    }
    if (length < 0 || this.#length >= this.#maxBytes) {
      this.#partial = null;
      this.reset();
      return this.#refuse(partial, length, end);
    }
    return end;
  }

  #grow(held: Buffer, needed: number): Buffer {
    const grown = Buffer.allocUnsafeSlow(Math.min(this.#maxBytes, Math.max(needed, held.length * 2)));
    grown.set(held.subarray(0, this.#length));
    this.#kept = grown;
    return grown;
  }

  #finish(head: Head, bytes: Uint8Array, at: number): void {
    head.load(bytes, at);
    this.head = head;
  }

  #refuse(head: Head, refusal: number, end: number): number {
    this.refusal = refusal < 0 ? refusal : head.used === 0 ? TARGET_TOO_LONG : HEAD_TOO_LARGE;
    head.free();
    return end;
  }
}
