/**
 * Takes the content of one message out of its framing, one event a call, so that the codec can look up after each: a
 * receiver may have ended the exchange or the connection.
 */
import { FRAMING, type Framing } from '../framing.ts';
import type { Head } from '../head.ts';
import { acceptTrailers } from './accept-head.ts';
import { ChunkLine } from './chunk-line.ts';
import { HeadReader } from './head-reader.ts';
import {
  BAD_CHUNK_END,
  CHUNK_EXTENSION_TOO_LONG,
  HEAD_TOO_LARGE,
  TARGET_TOO_LONG,
  TRAILERS_TOO_LARGE,
} from './refusal.ts';
import { scanFields } from './scan-fields.ts';

/** What `BodyReader.read` met. */
export const BODY_EVENT = {
  /** The bytes ran out. */
  none: 0,
  /** `dataStart` to `dataEnd` of the bytes given; `last` may hold. */
  data: 1,
  /** The end, after the last data. */
  end: 2,
  /** The end, with `trailers`, which the caller owns. */
  trailers: 3,
  /** `refusal` says why. */
  refused: 4,
} as const;
export type BodyEvent = (typeof BODY_EVENT)[keyof typeof BODY_EVENT];

/** One-byte chunks with long extensions make the reader work for content that never comes. */
const MAX_EXCESS_BYTES = 16_384;

const SIZE = 0;
const DATA = 1;
const DATA_CR = 2;
const DATA_LF = 3;
const TRAILERS = 4;

export class BodyReader {
  /** Offset after what the last `read` consumed. */
  at = 0;
  dataStart = 0;
  dataEnd = 0;
  last = false;
  trailers: Head | null = null;
  refusal = 0;
  #framing: Framing = FRAMING.none;
  #left = 0;
  #state = SIZE;
  /** Bytes of chunk extensions that no content stands against. */
  #excess = 0;
  readonly #line = new ChunkLine();
  readonly #maxTrailerBytes: number;
  readonly #maxFields: number;
  /** Made for the first message that has trailers. */
  #trailerReader: HeadReader | null = null;

  constructor(maxTrailerBytes: number, maxFields: number) {
    this.#maxTrailerBytes = maxTrailerBytes;
    this.#maxFields = maxFields;
  }

  /** Whether FIN is the end of the message and not its loss. */
  get endsWithConnection(): boolean {
    return this.#framing === FRAMING.untilClose;
  }

  /** `length` counts for FRAMING.length only and is at least 1. */
  begin(framing: Framing, length: number): void {
    this.#framing = framing;
    this.#left = length;
    this.#state = SIZE;
    this.#excess = 0;
    this.#line.reset();
    this.last = false;
    this.refusal = 0;
  }

  read(bytes: Uint8Array, at: number, end: number): BodyEvent {
    switch (this.#framing) {
      case FRAMING.length:
        this.#take(at, end);
        this.last = this.#left === 0;
        return BODY_EVENT.data;
      case FRAMING.chunked:
        return this.#readChunked(bytes, at, end);
      default:
        this.dataStart = at;
        this.at = this.dataEnd = end;
        this.last = false;
        return BODY_EVENT.data;
    }
  }

  /** Forgets unfinished trailers. */
  reset(): void {
    this.#trailerReader?.reset();
  }

  #take(at: number, end: number): void {
    const taken = Math.min(this.#left, end - at);
    this.#left -= taken;
    this.dataStart = at;
    this.at = this.dataEnd = at + taken;
  }

  #readChunked(bytes: Uint8Array, start: number, end: number): BodyEvent {
    let at = start;
    while (at < end) {
      switch (this.#state) {
        case SIZE:
          at = this.#line.read(bytes, at, end);
          if (at < 0) return this.#refuse(at);
          if (!this.#line.complete) break;
          this.#left = this.#line.size;
          this.#excess = Math.max(0, this.#excess + this.#line.extensionBytes - this.#left);
          if (this.#excess > MAX_EXCESS_BYTES) return this.#refuse(CHUNK_EXTENSION_TOO_LONG);
          this.#line.reset();
          this.#state = this.#left === 0 ? TRAILERS : DATA;
          break;
        case DATA:
          this.#take(at, end);
          if (this.#left === 0) this.#state = DATA_CR;
          return BODY_EVENT.data;
        case DATA_CR:
          if (bytes[at++] !== 0x0d) return this.#refuse(BAD_CHUNK_END);
          this.#state = DATA_LF;
          break;
        case DATA_LF:
          if (bytes[at++] !== 0x0a) return this.#refuse(BAD_CHUNK_END);
          this.#state = SIZE;
          break;
        default:
          return this.#readTrailers(bytes, at, end);
      }
    }
    this.at = end;
    return BODY_EVENT.none;
  }

  #readTrailers(bytes: Uint8Array, at: number, end: number): BodyEvent {
    const reader = this.#trailerReader;
    // Nearly always there are none.
    if ((reader === null || !reader.started) && at + 1 < end && bytes[at] === 0x0d && bytes[at + 1] === 0x0a) {
      this.at = at + 2;
      return BODY_EVENT.end;
    }
    return this.#collectTrailers(
      reader ?? (this.#trailerReader = new HeadReader(scanFields, this.#maxTrailerBytes, this.#maxFields)),
      bytes,
      at,
      end,
    );
  }

  #collectTrailers(reader: HeadReader, bytes: Uint8Array, at: number, end: number): BodyEvent {
    this.at = reader.read(bytes, at, end);
    if (reader.refusal !== 0) {
      const tooLarge = reader.refusal === HEAD_TOO_LARGE || reader.refusal === TARGET_TOO_LONG;
      return this.#refuse(tooLarge ? TRAILERS_TOO_LARGE : reader.refusal);
    }
    const trailers = reader.head;
    if (trailers === null) return BODY_EVENT.none;
    reader.head = null;
    const refusal = acceptTrailers(trailers);
    if (refusal === 0 && trailers.count > 0) {
      this.trailers = trailers;
      return BODY_EVENT.trailers;
    }
    trailers.free();
    return refusal === 0 ? BODY_EVENT.end : this.#refuse(refusal);
  }

  #refuse(refusal: number): BodyEvent {
    this.refusal = refusal;
    return BODY_EVENT.refused;
  }
}
