/** Puts the content of one message into its framing, and holds the sender to the length that the head promised. */
import type { Connection } from '../../core/runtime.ts';
import { FRAMING, type Framing } from '../framing.ts';
import type { Head } from '../head.ts';
import { writeTrailers } from './write-head.ts';

/** Chunks up to this are copied whole into `out`: one flush for line, data and end. */
const SMALL_CHUNK = 16_384;
/** Chunk size, its CRLF, the CRLF after the data, the last chunk and the end: 16 + 2 + 2 + 5. */
const CHUNK_OVERHEAD = 32;

const HEX = Buffer.from('0123456789abcdef', 'latin1');
const CR = 0x0d;
const LF = 0x0a;

export class BodyWriter {
  #framing: Framing = FRAMING.none;
  #left = 0;

  /** `length` counts for FRAMING.length only. */
  begin(framing: Framing, length: number): void {
    this.#framing = framing;
    this.#left = length;
  }

  /** Takes all of it. False when it is more or (at the last) less than was promised: the message cannot be completed. */
  write(connection: Connection, bytes: Uint8Array, start: number, end: number, last: boolean): boolean {
    switch (this.#framing) {
      case FRAMING.none:
        return true;
      case FRAMING.length:
        this.#left -= end - start;
        if (this.#left < 0 || (last && this.#left > 0)) return false;
        if (end > start) connection.write(bytes, start, end);
        return true;
      case FRAMING.chunked:
        writeChunk(connection, bytes, start, end, last);
        return true;
      default:
        if (end > start) connection.write(bytes, start, end);
        return true;
    }
  }

  /** Ends the message. Where the framing has no place for trailers they are left out (RFC 9110 section 6.5.1). */
  writeTrailers(connection: Connection, fields: Head): boolean {
    if (this.#framing !== FRAMING.chunked) return this.#framing !== FRAMING.length || this.#left === 0;
    const at = connection.reserve(3);
    const { out } = connection;
    out[at] = 0x30;
    out[at + 1] = CR;
    out[at + 2] = LF;
    connection.commit(at + 3);
    writeTrailers(connection, fields);
    return true;
  }
}

function writeChunk(connection: Connection, bytes: Uint8Array, start: number, end: number, last: boolean): void {
  const length = end - start;
  const isSmall = length <= SMALL_CHUNK;
  let at = connection.reserve(isSmall ? length + CHUNK_OVERHEAD : CHUNK_OVERHEAD);
  let { out } = connection;
  // An empty chunk would end the message.
  if (length > 0) {
    at = putSize(out, at, length);
    if (isSmall) {
      out.set(bytes.subarray(start, end), at);
      at += length;
    } else {
      connection.commit(at);
      connection.write(bytes, start, end);
      at = connection.reserve(CHUNK_OVERHEAD);
      out = connection.out;
    }
    out[at++] = CR;
    out[at++] = LF;
  }
  if (last) {
    out[at++] = 0x30;
    out[at++] = CR;
    out[at++] = LF;
    out[at++] = CR;
    out[at++] = LF;
  }
  connection.commit(at);
}

function putSize(out: Uint8Array, start: number, size: number): number {
  let at = start;
  let shift = 28;
  while (shift > 0 && size >>> shift === 0) shift -= 4;
  for (; shift >= 0; shift -= 4) out[at++] = HEX[(size >>> shift) & 15] as number;
  out[at++] = CR;
  out[at++] = LF;
  return at;
}
