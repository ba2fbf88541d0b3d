/** The numbers of RFC 9113 and the nine bytes that begin every frame, read and written in one place. */

/** A frame's type, flags, length and stream before its payload (section 4.1). */
export const FRAME_HEAD_BYTES = 9;

/** Section 6. */
export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const END_STREAM = 0x1;
/** Of SETTINGS and PING. */
export const ACK = 0x1;
export const END_HEADERS = 0x4;
export const PADDED = 0x8;
export const PRIORITY = 0x20;

/** What every endpoint must accept, and all that this one does (section 4.2). */
export const MAX_FRAME_BYTES = 16_384;
/** Section 6.9.1. */
export const MAX_WINDOW = 0x7fff_ffff;
/** Of the connection always, of a stream until SETTINGS say otherwise (section 6.9.2). */
export const DEFAULT_WINDOW = 65_535;
export const MAX_STREAM_ID = 0x7fff_ffff;

/** What a client sends first (section 3.4). */
export const PREFACE: Uint8Array = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** Returns the offset of the payload. */
export function putFrameHead(
  out: Uint8Array,
  at: number,
  length: number,
  type: number,
  flags: number,
  id: number,
): number {
  out[at] = length >>> 16;
  out[at + 1] = length >>> 8;
  out[at + 2] = length;
  out[at + 3] = type;
  out[at + 4] = flags;
  return putUint32(out, at + 5, id);
}

/** Returns the offset after it. */
export function putUint32(out: Uint8Array, at: number, value: number): number {
  out[at] = value >>> 24;
  out[at + 1] = value >>> 16;
  out[at + 2] = value >>> 8;
  out[at + 3] = value;
  return at + 4;
}

export function readUint32(bytes: Uint8Array, at: number): number {
  return readUint31(bytes, at) + ((bytes[at] as number) >= 0x80 ? 0x8000_0000 : 0);
}

/** The reserved bit is ignored (sections 4.1, 6.7, 6.9). */
export function readUint31(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) & 0x7f) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}
