/**
 * One flat JSON object written straight into bytes: an access-log line costs neither strings nor JSON.stringify. Input
 * is cut to bounds that the caller has made room for.
 */
import { copyBytes } from '../../core/bytes.ts';

const HEX = Buffer.from('0123456789abcdef', 'latin1');
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** 1: a byte that stands for itself in a JSON string, and is ASCII. */
const IS_PLAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x20 && byte < 0x7f && byte !== QUOTE && byte !== BACKSLASH ? 1 : 0,
);

/** Keys with their punctuation, such as `,"status":`: made once. */
export function jsonBytes(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

export function putBytes(out: Uint8Array, at: number, bytes: Uint8Array): number {
  return copyBytes(bytes, 0, bytes.length, out, at);
}

/** A quoted string of at most `maxBytes` input bytes; each becomes up to six. Bytes above 0x7e are escaped as latin1. */
export function putEscaped(
  out: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  maxBytes: number,
): number {
  const stop = Math.min(end, start + maxBytes);
  let p = at;
  out[p++] = QUOTE;
  for (let i = start; i < stop; i++) {
    const byte = bytes[i] as number; // i < end <= length
    if (IS_PLAIN[byte] === 1) {
      out[p++] = byte;
    } else if (byte === QUOTE || byte === BACKSLASH) {
      out[p++] = BACKSLASH;
      out[p++] = byte;
    } else {
      p = putUnicodeEscape(out, p, byte);
    }
  }
  out[p++] = QUOTE;
  return p;
}

/** Like `putEscaped`, for text that is ASCII but for what a peer made of it. */
export function putText(out: Uint8Array, at: number, text: string, maxBytes: number): number {
  const stop = Math.min(text.length, maxBytes);
  let p = at;
  out[p++] = QUOTE;
  for (let i = 0; i < stop; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x20 && code < 0x7f) {
      if (code === QUOTE || code === BACKSLASH) out[p++] = BACKSLASH;
      out[p++] = code;
    } else {
      p = putUnicodeEscape(out, p, code);
    }
  }
  out[p++] = QUOTE;
  return p;
}

/** A whole number, not negative, below 2^53. */
export function putInteger(out: Uint8Array, at: number, value: number): number {
  let left = value;
  let size = 1;
  for (let bound = 10; value >= bound; bound *= 10) size++;
  for (let p = at + size - 1; p >= at; p--) {
    const rest = Math.floor(left / 10);
    out[p] = 0x30 + (left - rest * 10);
    left = rest;
  }
  return at + size;
}

/** With three decimals: milliseconds to the microsecond. */
export function putMillis(out: Uint8Array, at: number, durationMs: number): number {
  const us = Math.max(0, Math.round(durationMs * 1000));
  let p = putInteger(out, at, Math.floor(us / 1000));
  out[p++] = 0x2e;
  const fraction = us % 1000;
  out[p++] = 0x30 + Math.floor(fraction / 100);
  out[p++] = 0x30 + (Math.floor(fraction / 10) % 10);
  out[p++] = 0x30 + (fraction % 10);
  return p;
}

function putUnicodeEscape(out: Uint8Array, at: number, code: number): number {
  out[at] = BACKSLASH;
  out[at + 1] = 0x75;
  out[at + 2] = HEX[(code >> 12) & 15] as number; // masked to the table
  out[at + 3] = HEX[(code >> 8) & 15] as number;
  out[at + 4] = HEX[(code >> 4) & 15] as number;
  out[at + 5] = HEX[code & 15] as number;
  return at + 6;
}
