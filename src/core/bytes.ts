/**
 * Byte arrays as every plane needs them: the empty one, text in and out, comparison. Thin over Buffer, so that the rest
 * of the code holds plain Uint8Arrays.
 */

/** Shared; has no bytes to change. */
export const EMPTY_BYTES: Uint8Array = new Uint8Array(0);

/** UTF-8. */
export function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, 'utf8');
}

/** UTF-8, with U+FFFD for what is not. */
export function textOf(bytes: Uint8Array, start = 0, end = bytes.length): string {
  return bufferOf(bytes).toString('utf8', start, end);
}

/** One character a byte: for header fields and for bytes that must survive a round trip. */
export function latin1Of(bytes: Uint8Array, start = 0, end = bytes.length): string {
  return bufferOf(bytes).toString('latin1', start, end);
}

/** Below this, a loop beats any call. */
const LOOP_BYTES = 16;
const nativeCopy = Buffer.prototype.copy;
const nativeSlice = Uint8Array.prototype.slice;

/** Copies `from[start, end)` to `to[at…]`, which has room; returns the offset after it. A view for `set` would be garbage. */
export function copyBytes(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): number {
  const length = end - start;
  if (length > LOOP_BYTES) nativeCopy.call(from, to, at, start, end);
  else for (let i = 0; i < length; i++) to[at + i] = from[start + i] as number; // in range: see above
  return at + length;
}

/** Bytes of its own, whatever `bytes` is: `slice` of a Buffer copies nothing. */
export function copyOf(bytes: Uint8Array, start = 0, end = bytes.length): Uint8Array {
  return nativeSlice.call(bytes, start, end);
}

/** A fresh array of the parts, one after the other. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return copyOf(parts[0] ?? EMPTY_BYTES);
  return Buffer.concat(parts);
}

/** For reading several bytes at once; make it where the array is made, not where it is read. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
