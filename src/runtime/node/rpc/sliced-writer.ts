/**
 * Messages to an HTTP/2 stream a slice at a time. Node's TLS keeps a buffer as large as the largest write that it was
 * given, from 16 KiB on and for as long as the connection lives (TLSWrap, `set_allocate_tls_hint`): with thousands of
 * connections, what each was once sent in one go would be most of the memory of a control plane.
 */
import type { Writable } from 'node:stream';
import { framePrefix, PREFIX_BYTES } from '../../../core/grpc-frames.ts';

/** With the head of its frame below 16 KiB. */
const SLICE_BYTES = 16_000;

export class SlicedWriter {
  readonly #stream: Writable;
  readonly #onWritten: () => void;
  /** In order; each is at most a slice. */
  #slices: Uint8Array[] = [];
  #sliceBytes = 0;
  /** Given to the stream, which has not taken them. */
  #inFlight = 0;
  #isEnding = false;

  /** `onWritten`: fewer bytes wait than before. */
  constructor(stream: Writable, onWritten: () => void) {
    this.#stream = stream;
    this.#onWritten = onWritten;
  }

  get queuedBytes(): number {
    return this.#sliceBytes + this.#inFlight;
  }

  /** Behind its prefix. The bytes are held until they are written, not copied but for the first slice. */
  write(message: Uint8Array): void {
    const first = Math.min(message.length, SLICE_BYTES - PREFIX_BYTES);
    this.#add(Buffer.concat([framePrefix(message.length), message.subarray(0, first)]));
    for (let at = first; at < message.length; at += SLICE_BYTES) this.#add(message.subarray(at, at + SLICE_BYTES));
    this.#pump();
  }

  /** Ends the stream after what waits. */
  end(): void {
    this.#isEnding = true;
    this.#pump();
  }

  /** Forgets what waits. */
  drop(): void {
    this.#slices = [];
    this.#sliceBytes = 0;
    this.#pump();
  }

  #add(slice: Uint8Array): void {
    this.#slices.push(slice);
    this.#sliceBytes += slice.length;
  }

  #pump(): void {
    const stream = this.#stream;
    let taken = 0;
    for (const slice of this.#slices) {
      if (this.#inFlight > 0 && this.#inFlight + slice.length > SLICE_BYTES) break;
      taken += 1;
      this.#sliceBytes -= slice.length;
      this.#inFlight += slice.length;
      // What is ended or destroyed meanwhile takes nothing more, and says so to nobody here.
      if (!stream.writableEnded && !stream.destroyed) stream.write(slice, () => this.#written(slice.length));
    }
    if (taken > 0) this.#slices.splice(0, taken);
    if (this.#isEnding && this.#slices.length === 0 && !stream.writableEnded) stream.end();
  }

  #written(bytes: number): void {
    this.#inFlight -= bytes;
    this.#pump();
    this.#onWritten();
  }
}
