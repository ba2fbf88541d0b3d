/**
 * The line before a chunk (RFC 9112 section 7.1), a byte at a time: size in hexadecimal, extensions that are read and
 * dropped, CRLF. No sign, no space, no `0x`, no bare LF: each of them is read differently by some server. Extensions have
 * the grammar of section 7.1.1 without its "bad" white space, so that no reader finds another end of the line in them.
 */
import { FIELD_BYTE, TOKEN } from '../token.ts';
import { BAD_CHUNK_EXTENSION, BAD_CHUNK_SIZE, CHUNK_EXTENSION_TOO_LONG } from './refusal.ts';

const FIRST_DIGIT = 0;
const DIGITS = 1;
const LINE_FEED = 2;
/** After `;`. */
const NAME_START = 3;
const NAME = 4;
/** After `=`. */
const VALUE_START = 5;
const VALUE = 6;
const QUOTED = 7;
const ESCAPED = 8;
/** After the closing quote. */
const QUOTE_END = 9;

const MAX_DIGITS = 16;
/** Signatures of object stores take about 90 bytes. */
const MAX_EXTENSION_BYTES = 256;

const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

const HEX = new Int8Array(256).fill(-1);
for (let i = 0; i < 16; i++) {
  HEX[i.toString(16).charCodeAt(0)] = i;
  HEX[i.toString(16).toUpperCase().charCodeAt(0)] = i;
}

export class ChunkLine {
  /** Of the chunk, once `read` says that the line is complete. */
  size = 0;
  /** Bytes of extensions, from the first `;` on. */
  extensionBytes = 0;
  /** Set when the line is complete. */
  complete = false;
  #state = FIRST_DIGIT;
  #digits = 0;

  reset(): void {
    this.size = 0;
    this.extensionBytes = 0;
    this.complete = false;
    this.#state = FIRST_DIGIT;
    this.#digits = 0;
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
          else if (byte === CR) this.#state = LINE_FEED;
          else if (byte === SEMICOLON) this.#state = NAME_START;
          else return BAD_CHUNK_SIZE;
          break;
        }
        case LINE_FEED:
          if (byte !== LF) return BAD_CHUNK_SIZE;
          this.complete = true;
          return at + 1;
        default:
          if (++this.extensionBytes > MAX_EXTENSION_BYTES) return CHUNK_EXTENSION_TOO_LONG;
          this.#state = afterExtensionByte(this.#state, byte);
          if (this.#state < 0) return BAD_CHUNK_EXTENSION;
      }
    }
    return end;
  }
}

/** The next state within extensions, or -1. */
function afterExtensionByte(state: number, byte: number): number {
  switch (state) {
    case NAME_START:
      return TOKEN[byte] === 0 ? -1 : NAME;
    case VALUE_START:
      if (byte === QUOTE) return QUOTED;
      return TOKEN[byte] === 0 ? -1 : VALUE;
    case QUOTED:
      if (byte === QUOTE) return QUOTE_END;
      if (byte === BACKSLASH) return ESCAPED;
      return FIELD_BYTE[byte] === 0 ? -1 : QUOTED;
    case ESCAPED:
      return FIELD_BYTE[byte] === 0 ? -1 : QUOTED;
    default:
      if (byte === CR) return LINE_FEED;
      if (byte === SEMICOLON) return NAME_START;
      if (state === NAME && byte === EQUALS) return VALUE_START;
      return state !== QUOTE_END && TOKEN[byte] !== 0 ? state : -1;
  }
}
