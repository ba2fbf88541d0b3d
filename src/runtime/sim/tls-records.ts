/**
 * The bytes of simulated TLS: real record framing and a real ClientHello, so that code which peeks at them works, but
 * no cryptography. Application bytes are masked, so that a plaintext that leaks is seen.
 */
import { bytesOf, concatBytes, textOf } from '../../core/bytes.ts';

export const ALERT = 21;
export const HANDSHAKE = 22;
export const APPLICATION = 23;
export const MAX_RECORD_BYTES = 16_384;

const HEADER_BYTES = 5;
const MASK = 0x5a;
const CLIENT_HELLO = 1;
const EXTENSION_SERVER_NAME = 0;
const EXTENSION_ALPN = 16;
const EXTENSION_SUPPORTED_VERSIONS = 43;
const TLS13 = [3, 4];
/** Certificates differ by a few bytes from process to process; padding keeps the simulation the same. */
const FLIGHT_MULTIPLE_BYTES = 4096;

export interface Hello {
  readonly serverName: string;
  readonly alpn: readonly string[];
}

export function record(type: number, payload: Uint8Array): Uint8Array {
  const out = new Uint8Array(HEADER_BYTES + payload.length);
  out.set([type, 3, 3, payload.length >> 8, payload.length & 0xff]);
  out.set(payload, HEADER_BYTES);
  return out;
}

/** Masked and unmasked by the same call. */
export function mask(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => byte ^ MASK);
}

/** A handshake message or an alert after the ClientHello: an object, padded. */
export function flight(type: number, message: object): Uint8Array {
  const text = JSON.stringify(message);
  const padded = text.padEnd(Math.ceil(text.length / FLIGHT_MULTIPLE_BYTES) * FLIGHT_MULTIPLE_BYTES);
  return record(type, bytesOf(padded));
}

export function readFlight(payload: Uint8Array): unknown {
  return JSON.parse(textOf(payload));
}

/** RFC 8446 section 4.1.2. */
export function clientHello(hello: Hello, random: Uint8Array): Uint8Array {
  const extensions = [extension(EXTENSION_SUPPORTED_VERSIONS, new Uint8Array([2, ...TLS13]))];
  if (hello.serverName !== '') {
    const name = bytesOf(hello.serverName);
    extensions.push(
      extension(EXTENSION_SERVER_NAME, withLength16(concatBytes([new Uint8Array([0]), withLength16(name)]))),
    );
  }
  if (hello.alpn.length > 0) {
    const names = hello.alpn.map((name) => concatBytes([new Uint8Array([name.length]), bytesOf(name)]));
    extensions.push(extension(EXTENSION_ALPN, withLength16(concatBytes(names))));
  }
  const body = concatBytes([
    new Uint8Array([3, 3]),
    random,
    new Uint8Array([0, 0, 2, 0x13, 0x01, 1, 0]),
    withLength16(concatBytes(extensions)),
  ]);
  return record(
    HANDSHAKE,
    concatBytes([new Uint8Array([CLIENT_HELLO, 0, body.length >> 8, body.length & 0xff]), body]),
  );
}

/** Null when the payload is no ClientHello of `clientHello`. */
export function readClientHello(payload: Uint8Array): Hello | null {
  if (payload[0] !== CLIENT_HELLO) return null;
  // Type and length, version, random, then the three short vectors that clientHello writes.
  let at = 4 + 2 + 32 + 7 + 2;
  let serverName = '';
  const alpn: string[] = [];
  while (at + 4 <= payload.length) {
    const type = read16(payload, at);
    const end = at + 4 + read16(payload, at + 2);
    const from = at + 4;
    if (type === EXTENSION_SERVER_NAME) serverName = textOf(payload, from + 5, end);
    if (type === EXTENSION_ALPN) {
      for (let p = from + 2; p < end; ) {
        const length = payload[p] ?? 0;
        alpn.push(textOf(payload, p + 1, p + 1 + length));
        p += 1 + length;
      }
    }
    at = end;
  }
  return { serverName, alpn };
}

/** Cuts bytes into records; `onRecord` gets a payload of its own. False from `push`: this is not TLS. */
export class RecordReader {
  #buffer: Uint8Array = new Uint8Array(0);

  push(bytes: Uint8Array, start: number, end: number, onRecord: (type: number, payload: Uint8Array) => void): boolean {
    this.#buffer = concatBytes([this.#buffer, bytes.subarray(start, end)]);
    while (this.#buffer.length >= HEADER_BYTES) {
      const type = this.#buffer[0] ?? 0;
      if (type < ALERT || type > APPLICATION || this.#buffer[1] !== 3) return false;
      const whole = HEADER_BYTES + read16(this.#buffer, 3);
      if (this.#buffer.length < whole) return true;
      const payload = this.#buffer.slice(HEADER_BYTES, whole);
      this.#buffer = this.#buffer.slice(whole);
      onRecord(type, payload);
    }
    return true;
  }
}

function extension(type: number, content: Uint8Array): Uint8Array {
  return concatBytes([new Uint8Array([type >> 8, type & 0xff]), withLength16(content)]);
}

function withLength16(bytes: Uint8Array): Uint8Array {
  return concatBytes([new Uint8Array([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

function read16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
