/**
 * The line before a chunk (RFC 9112 section 7.1), a byte at a time: size in hexadecimal, an extension that is read and
 * dropped, CRLF. No sign, no space, no `0x`, no bare LF: each of them is read differently by some server.
 */
import { FIELD_BYTE } from '../token.ts';
import { BAD_CHUNK_EXTENSION, BAD_CHUNK_SIZE, CHUNK_EXTENSION_TOO_LONG } from './refusal.ts';

const FIRST_DIGIT = 0;
const DIGITS = 1;
const EXTENSION = 2;
const LINE_FEED = 3;

const MAX_DIGITS = 16;
/** Signatures of object stores take about 90 bytes. */
const MAX_EXTENSION_BYTES = 256;

const HEX = new Int8Array(256).fill(-1);
for (let i = 0; i < 16; i++) {
  HEX[i.toString(16).charCodeAt(0)] = i;
  HEX[i.toString(16).toUpperCase().charCodeAt(0)] = i;
}

export class ChunkLine {
  /** Of the chunk, once `read` says that the line is complete. */
  size = 0;
  /** Set when the line is complete. */
  complete = false;
  #state = FIRST_DIGIT;
  #digits = 0;
  #extension = 0;

  reset(): void {
    this.size = 0;
    this.complete = false;
    this.#state = FIRST_DIGIT;
    this.#digits = 0;
    this.#extension = 0;
  }

  /** Returns the offset of the first byte that was not read, or a refusal. */
  read(bytes: Uint8Array, start: number, end: number): number {
    for (let at = start; at < end; at++) {
      const byte = bytes[at] as number;
      switch (this.#state) {
        case FIRST_DIGIT:
        case DIGITS: {
          const digit = HEX[byte] as number;
          if (digit >= 0) {
            if (++this.#digits > MAX_DIGITS) return BAD_CHUNK_SIZE;
            this.size = this.size * 16 + digit;
            if (!Number.isSafeInteger(this.size)) return BAD_CHUNK_SIZE;
            this.#state = DIGITS;
          } else if (this.#state === FIRST_DIGIT) return BAD_CHUNK_SIZE;
          else if (byte === 0x0d) this.#state = LINE_FEED;
          else if (byte === 0x3b) this.#state = EXTENSION;
          else return BAD_CHUNK_SIZE;
          break;
        }
        case EXTENSION:
          if (byte === 0x0d) this.#state = LINE_FEED;
          else if (FIELD_BYTE[byte] === 0) return BAD_CHUNK_EXTENSION;
          else if (++this.#extension > MAX_EXTENSION_BYTES) return CHUNK_EXTENSION_TOO_LONG;
          break;
        default:
          if (byte !== 0x0a) return BAD_CHUNK_SIZE;
          this.complete = true;
          return at + 1;
      }
    }
    return end;
  }
}
