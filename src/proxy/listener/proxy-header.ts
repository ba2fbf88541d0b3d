/**
 * The header of the PROXY protocol, versions 1 and 2 (haproxy.org/download/3.2/doc/proxy-protocol.txt): who a connection
 * is really from, and where it meant to go. Pure over the bytes, incremental, and as strict as the document: what is half
 * right is refused, because rules about callers stand on it.
 */
import { addressBytes, addressText } from '../../core/address-range.ts';
import type { Address } from '../../core/runtime.ts';
import type { ProxyHeaderConfig } from '../../snapshot/snapshot.ts';

export interface ProxyHeader {
  /** Of the header with all that belongs to it; the connection's own bytes follow. */
  readonly length: number;
  readonly version: 1 | 2;
  /** Null: the connection's own ends count (LOCAL, UNKNOWN). */
  readonly ends: { readonly source: Address; readonly destination: Address } | null;
}

/** A header, how many bytes there must be to tell more, `none` where there is none and none must be, or what is wrong. */
export type HeaderRead =
  | { readonly kind: 'header'; readonly header: ProxyHeader }
  | { readonly kind: 'more' }
  | { readonly kind: 'none' }
  | { readonly kind: 'wrong'; readonly why: string };

const SIGNATURE_1 = Buffer.from('PROXY ', 'latin1');
const SIGNATURE_2 = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
/** Section 2.1: with CRLF. */
const MAX_LINE_BYTES = 107;
const FIXED_BYTES = 16;
/** The document allows 65,535 behind the fixed part; certificates and names of real senders take a few thousand at most. */
export const MAX_HEADER_BYTES = 16_384;

const MORE: HeaderRead = { kind: 'more' };
const NONE: HeaderRead = { kind: 'none' };

export function readProxyHeader(bytes: Uint8Array, config: ProxyHeaderConfig): HeaderRead {
  const isFirst = startsLike(bytes, SIGNATURE_1);
  const isSecond = startsLike(bytes, SIGNATURE_2);
  const isTaken = (isFirst && config.versions.includes(1)) || (isSecond && config.versions.includes(2));
  if (!isTaken && config.optional) return NONE;
  if (!isFirst && !isSecond) return wrong('it does not begin with a PROXY header');
  if (bytes.length < (isFirst ? SIGNATURE_1.length : FIXED_BYTES)) return MORE;
  if (!isTaken) return wrong(`version ${isFirst ? 1 : 2} of the PROXY header is not taken here`);
  return isFirst ? readLine(bytes) : readBinary(bytes);
}

/** As far as the bytes go. */
function startsLike(bytes: Uint8Array, signature: Buffer): boolean {
  const length = Math.min(bytes.length, signature.length);
  return signature.compare(bytes, 0, length, 0, length) === 0;
}

function readLine(bytes: Uint8Array): HeaderRead {
  const end = bytes.indexOf(0x0a);
  if (end < 0) return bytes.length >= MAX_LINE_BYTES ? wrong('the line of the PROXY header does not end') : MORE;
  if (end >= MAX_LINE_BYTES) return wrong('the line of the PROXY header is too long');
  if (bytes[end - 1] !== 0x0d) return wrong('the line of the PROXY header ends without CR');
  const [, family, source = '', destination = '', from = '', to = '', ...rest] = Buffer.from(bytes.subarray(0, end - 1))
    .toString('latin1')
    .split(' ');
  const length = end + 1;
  // Section 2.1: whatever follows UNKNOWN is ignored.
  if (family === 'UNKNOWN') return { kind: 'header', header: { length, version: 1, ends: null } };
  if (family !== 'TCP4' && family !== 'TCP6')
    return wrong('the family of the PROXY header is none of TCP4, TCP6, UNKNOWN');
  const near = readText(family, source, from);
  const far = readText(family, destination, to);
  if (near === null || far === null || rest.length > 0) return wrong('the PROXY header has no two addresses and ports');
  return withEnds(length, 1, near, far);
}

interface End {
  readonly address: Uint8Array;
  readonly port: number;
}

const PORT = /^(?:0|[1-9]\d{0,4})$/;

function readText(family: string, text: string, port: string): End | null {
  const isFamily = family === 'TCP4' ? /^[\d.]{7,15}$/.test(text) : /^[\da-fA-F:.]*:[\da-fA-F:.]*$/.test(text);
  const address = isFamily ? addressBytes(text) : null;
  return address === null || !PORT.test(port) || Number(port) > 65_535 ? null : { address, port: Number(port) };
}

function readBinary(bytes: Uint8Array): HeaderRead {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const command = view.getUint8(12);
  const family = view.getUint8(13);
  const length = FIXED_BYTES + view.getUint16(14);
  if (command >> 4 !== 2) return wrong(`the PROXY header is of version ${command >> 4}`);
  if ((command & 15) > 1) return wrong(`the PROXY header has the command ${command & 15}`);
  if (length > MAX_HEADER_BYTES) return wrong(TOO_LONG);
  if ((command & 15) === 0) {
    return bytes.length < length ? MORE : { kind: 'header', header: { length, version: 2, ends: null } };
  }
  const size = SIZES.get(family);
  if (size === undefined) return wrong(`the PROXY header is of family ${family >> 4}, protocol ${family & 15}`);
  const tlvs = FIXED_BYTES + 2 * size + 4;
  if (length < tlvs) return wrong('the PROXY header is shorter than its addresses');
  if (bytes.length < length) return MORE;
  if (!holdsTlvs(view, tlvs, length)) return wrong('the PROXY header ends within a value');
  const [source, destination, ports] = [FIXED_BYTES, FIXED_BYTES + size, FIXED_BYTES + 2 * size];
  return withEnds(
    length,
    2,
    { address: bytes.subarray(source, destination), port: view.getUint16(ports) },
    { address: bytes.subarray(destination, ports), port: view.getUint16(ports + 2) },
  );
}

export const TOO_LONG = `the PROXY header is longer than ${MAX_HEADER_BYTES} bytes`;

/** Bytes of an address by family and protocol: IPv4 and IPv6, over streams and, as Envoy takes them, datagrams. */
const SIZES: ReadonlyMap<number, number> = new Map([
  [0x11, 4],
  [0x12, 4],
  [0x21, 16],
  [0x22, 16],
]);

/** Section 2.2.7. They are passed over, whole. */
function holdsTlvs(view: DataView, start: number, end: number): boolean {
  let at = start;
  while (at + 3 <= end) at += 3 + view.getUint16(at + 1);
  return at === end;
}

function withEnds(length: number, version: 1 | 2, source: End, destination: End): HeaderRead {
  if (!isUnicast(source.address) || !isUnicast(destination.address)) {
    return wrong('the PROXY header names an address that is nobody’s');
  }
  const ends = { source: named(source), destination: named(destination) };
  return { kind: 'header', header: { length, version, ends } };
}

function named({ address, port }: End): Address {
  return { host: addressText(address), port };
}

/** What TCP can be spoken with: not unspecified, multicast or broadcast. */
function isUnicast(address: Uint8Array): boolean {
  const [first = 0] = address;
  if (address.every((byte) => byte === 0)) return false;
  if (address.length === 16) return first !== 0xff;
  return first >> 4 !== 0xe && !address.every((byte) => byte === 0xff);
}

function wrong(why: string): HeaderRead {
  return { kind: 'wrong', why };
}
