/**
 * What the first bytes of a connection are: a TLS hello, an HTTP request, or something that only its own server
 * understands. Pure over the bytes; it never consumes any.
 */
import type { ChainFacts } from '../../snapshot/match-chain.ts';
import { HELLO_INCOMPLETE, HELLO_INVALID, readClientHello, startsLikeTls } from './client-hello.ts';

export type Detected = Pick<ChainFacts, 'transport' | 'serverName' | 'protocols'>;

/** A connection of which nothing is known. */
export const RAW: Detected = { transport: 'raw_buffer', serverName: '', protocols: [] };

/** A request line that is longer than this is not waited for. */
export const MAX_PEEK_BYTES = 16_384;

const HTTP11: Detected = { transport: 'raw_buffer', serverName: '', protocols: ['http/1.1'] };
const HTTP10: Detected = { transport: 'raw_buffer', serverName: '', protocols: ['http/1.0'] };
const H2C: Detected = { transport: 'raw_buffer', serverName: '', protocols: ['h2c'] };
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
const VERSION = Buffer.from(' HTTP/1.', 'latin1');
/** Longer than any registered method. */
const MAX_METHOD_BYTES = 24;
const SPACE = 0x20;
const CR = 0x0d;
const LF = 0x0a;

/** null: more bytes are needed to tell. */
export function detect(bytes: Uint8Array, inspectTls: boolean, inspectHttp: boolean): Detected | null {
  if (bytes.length === 0) return null;
  if (inspectTls && startsLikeTls(bytes, 0, bytes.length)) {
    const hello = readClientHello(bytes, 0, bytes.length);
    if (hello === HELLO_INCOMPLETE) return null;
    if (hello === HELLO_INVALID) return RAW;
    return { transport: 'tls', serverName: hello.serverName, protocols: hello.alpn };
  }
  return inspectHttp ? detectHttp(bytes) : RAW;
}

function detectHttp(bytes: Uint8Array): Detected | null {
  if (bytes[0] === PREFACE[0] && startsWith(bytes, 0, PREFACE)) return bytes.length < PREFACE.length ? null : H2C;
  // method SP request-target SP HTTP-version CRLF (RFC 9112 section 3), the whole line: RESP has `GET key` too.
  let at = 0;
  while (at < bytes.length && isMethodByte(bytes[at] as number)) at++;
  if (at > MAX_METHOD_BYTES || at === 0) return RAW;
  if (at === bytes.length) return null;
  if (bytes[at] !== SPACE) return RAW;
  const targetStart = ++at;
  while (at < bytes.length && (bytes[at] as number) > SPACE && (bytes[at] as number) < 0x7f) at++;
  if (at === bytes.length) return null;
  if (at === targetStart || !startsWith(bytes, at, VERSION)) return RAW;
  at += VERSION.length;
  if (at + 3 > bytes.length) return null;
  const minor = bytes[at];
  const ends = bytes[at + 1] === LF || (bytes[at + 1] === CR && bytes[at + 2] === LF);
  if (!ends) return RAW;
  return minor === 0x31 ? HTTP11 : minor === 0x30 ? HTTP10 : RAW;
}

/** As far as the bytes go. */
function startsWith(bytes: Uint8Array, from: number, wanted: Uint8Array): boolean {
  for (let i = 0; i < wanted.length && from + i < bytes.length; i++) if (bytes[from + i] !== wanted[i]) return false;
  return true;
}

/** Upper-case letters, and what WebDAV and others use; tokens in lower case are not methods that anybody sends. */
function isMethodByte(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || byte === 0x2d || byte === 0x5f;
}
