/**
 * Cuts what arrives into frames, wherever reads begin and end. A frame that is whole in a read is handed on where it
 * lies; DATA is handed on as it comes; any other frame that is split is put together in a buffer that grows with what
 * has arrived, not with what was announced.
 */
import { EMPTY_BYTES } from '../../core/bytes.ts';
import { FRAME, FRAME_HEAD_BYTES, MAX_FRAME_BYTES, PADDED, readUint31 } from './frame.ts';

export interface FrameSink {
  /** Nothing more is wanted. */
  readonly over: boolean;
  /** A whole frame other than DATA; `start` is its payload's. */
  onFrame(type: number, flags: number, id: number, bytes: Uint8Array, start: number, end: number): void;
  /** DATA begins. `length` is the payload's with all padding, `padding` what of it is none of the content. */
  onDataHead(flags: number, id: number, length: number, padding: number): void;
  /** Content of that DATA; `isWhole` with its last byte, perhaps with none. */
  onDataBytes(bytes: Uint8Array, start: number, end: number, isWhole: boolean): void;
  /** Longer than SETTINGS_MAX_FRAME_SIZE (RFC 9113 section 4.2). */
  onFrameTooLong(): void;
  /** More padding than payload (section 6.1). */
  onBadPadding(): void;
}

const FIRST_HELD = 256;

export class FrameReader {
  readonly #sink: FrameSink;
  #held: Uint8Array = EMPTY_BYTES;
  #heldEnd = 0;
  /** Content and padding of the DATA at hand that are still to come. */
  #dataLeft = 0;
  #paddingLeft = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Whether a frame has begun and not ended. */
  get isWithin(): boolean {
    return this.#heldEnd > 0 || this.#dataLeft > 0 || this.#paddingLeft > 0;
  }

  read(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end && !this.#sink.over) {
      if (this.#heldEnd > 0) at = this.#readHeld(bytes, at, end);
      else if (this.#dataLeft > 0) at = this.#readData(bytes, at, end);
      else if (this.#paddingLeft > 0) at = this.#skipPadding(at, end);
      else at = this.#readFrame(bytes, at, end);
    }
  }

  reset(): void {
    this.#held = EMPTY_BYTES;
    this.#heldEnd = this.#dataLeft = this.#paddingLeft = 0;
  }

  #readFrame(bytes: Uint8Array, at: number, end: number): number {
    const needed = this.#neededAt(bytes, at, end);
    if (needed === 0) return end;
    if (end - at < needed) {
      this.#hold(bytes, at, end, needed);
      return end;
    }
    this.#begin(bytes, at, needed);
    return at + needed;
  }

  /** Bytes without which nothing can be done; 0 when the frame is refused. */
  #neededAt(bytes: Uint8Array, at: number, end: number): number {
    if (end - at < FRAME_HEAD_BYTES) return FRAME_HEAD_BYTES;
    const length = lengthAt(bytes, at);
    if (length > MAX_FRAME_BYTES) {
      this.#sink.onFrameTooLong();
      return 0;
    }
    if (bytes[at + 3] !== FRAME.data) return FRAME_HEAD_BYTES + length;
    // The length of the padding decides what of the rest is content.
    return (bytes[at + 4] as number) & PADDED && length > 0 ? FRAME_HEAD_BYTES + 1 : FRAME_HEAD_BYTES;
  }

  #begin(bytes: Uint8Array, at: number, needed: number): void {
    const flags = bytes[at + 4] as number;
    const id = readUint31(bytes, at + 5);
    if (bytes[at + 3] !== FRAME.data) {
      this.#sink.onFrame(bytes[at + 3] as number, flags, id, bytes, at + FRAME_HEAD_BYTES, at + needed);
      return;
    }
    const length = lengthAt(bytes, at);
    let padding = 0;
    if ((flags & PADDED) !== 0) {
      padding = length === 0 ? 1 : 1 + (bytes[at + FRAME_HEAD_BYTES] as number);
      if (padding > length) return this.#sink.onBadPadding();
      this.#paddingLeft = padding - 1;
    }
    this.#dataLeft = length - padding;
    this.#sink.onDataHead(flags, id, length, padding);
    if (this.#dataLeft === 0 && !this.#sink.over) this.#sink.onDataBytes(EMPTY_BYTES, 0, 0, true);
  }

  #readData(bytes: Uint8Array, at: number, end: number): number {
    const to = Math.min(end, at + this.#dataLeft);
    this.#dataLeft -= to - at;
    this.#sink.onDataBytes(bytes, at, to, this.#dataLeft === 0);
    return to;
  }

  #skipPadding(at: number, end: number): number {
    const to = Math.min(end, at + this.#paddingLeft);
    this.#paddingLeft -= to - at;
    return to;
  }

  #readHeld(bytes: Uint8Array, at: number, end: number): number {
    let from = at;
    for (;;) {
      const needed = this.#neededAt(this.#held, 0, this.#heldEnd);
      if (needed === 0) return end;
      if (this.#heldEnd >= needed) {
        const held = this.#held;
        this.#held = EMPTY_BYTES;
        this.#heldEnd = 0;
        this.#begin(held, 0, needed);
        return from;
      }
      if (from === end) return end;
      const to = Math.min(end, from + needed - this.#heldEnd);
      this.#hold(bytes, from, to, needed);
      from = to;
    }
  }

  #hold(bytes: Uint8Array, start: number, end: number, needed: number): void {
    const used = this.#heldEnd + end - start;
    if (used > this.#held.length) {
      const grown = Buffer.allocUnsafe(Math.min(needed, Math.max(FIRST_HELD, used * 2)));
      grown.set(this.#held.subarray(0, this.#heldEnd));
      this.#held = grown;
    }
    this.#held.set(bytes.subarray(start, end), this.#heldEnd);
    this.#heldEnd = used;
  }
}

function lengthAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
}
