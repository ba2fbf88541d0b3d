/**
 * What Node keeps below its sockets, as far as Weft uses it: the handle of a socket that is open already, to read into
 * one buffer and to write without the machinery of streams. These are internals of Node (DEP0111), so they are looked at
 * before they are believed, and without them the public streams serve.
 */
import type { Socket } from 'node:net';

export interface StreamHandle {
  /** True while somebody reads; the socket starts reading by itself when it is not. */
  reading: boolean;
  /** Called with the handle as `this`; how many bytes came stands in `streamState`. What it returns replaces the user's buffer. */
  onread: (this: StreamHandle, bytes: unknown) => Uint8Array | undefined;
  /** Whose connection it is; nothing of Node's. */
  weftReader?: HandleReader;
  useUserBuffer(buffer: Uint8Array): void;
  readStart(): number;
  readStop(): number;
  /** 0, or a libuv error. */
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
}

export interface HandleReader {
  received(bytes: Uint8Array, start: number, end: number): void;
}

export interface WriteRequest {
  handle: StreamHandle | null;
  oncomplete: (this: WriteRequest, status: number) => void;
  /** Kept alive until the write is complete. */
  buffer: Uint8Array | null;
}

export interface StreamInternals {
  readonly WriteWrap: new () => WriteRequest;
  readonly state: Int32Array;
  /** Index in `state`: bytes of this read, or a libuv error. */
  readonly readBytes: number;
  /** Index in `state`: whether the last write is still under way. */
  readonly lastWriteWasAsync: number;
}

/** Their internals were read and pass the suite of the runtime. Others get the public streams until somebody has looked. */
const KNOWN_MAJORS = [24, 25, 26];

/** Null where they are not what they were, or not to be had (`--permission`). */
export function findStreamInternals(): StreamInternals | null {
  const [major = ''] = process.versions.node.split('.');
  if (!KNOWN_MAJORS.includes(Number(major))) return null;
  try {
    const { WriteWrap, streamBaseState, kReadBytesOrError, kLastWriteWasAsync } = bindingOf('stream_wrap');
    const { TCP } = bindingOf('tcp_wrap');
    const isWhole =
      typeof WriteWrap === 'function' &&
      streamBaseState instanceof Int32Array &&
      isIndexOf(streamBaseState, kReadBytesOrError) &&
      isIndexOf(streamBaseState, kLastWriteWasAsync) &&
      typeof TCP === 'function' &&
      ['useUserBuffer', 'readStart', 'readStop', 'writeBuffer'].every((name) => isMethodOf(TCP.prototype, name));
    if (!isWhole) return null;
    return {
      WriteWrap: WriteWrap as StreamInternals['WriteWrap'],
      state: streamBaseState,
      readBytes: kReadBytesOrError,
      lastWriteWasAsync: kLastWriteWasAsync,
    };
  } catch {
    return null;
  }
}

/** The handle of an open socket; null when it has none (destroyed) or an unknown one. */
export function handleOf(socket: Socket): StreamHandle | null {
  const handle = (socket as unknown as { _handle?: unknown })._handle;
  if (typeof handle !== 'object' || handle === null) return null;
  return ['useUserBuffer', 'writeBuffer', 'readStart', 'readStop'].every((name) => isMethodOf(handle, name))
    ? (handle as StreamHandle)
    : null;
}

/** Node warns of `process.binding` under `--pending-deprecation`: we know, and nobody can act on it. */
function bindingOf(name: string): Record<string, unknown> {
  const { binding } = process as unknown as { binding(name: string): Record<string, unknown> };
  const { noDeprecation } = process;
  process.noDeprecation = true;
  try {
    return binding(name);
  } finally {
    if (noDeprecation === undefined) delete process.noDeprecation;
    else process.noDeprecation = noDeprecation;
  }
}

function isIndexOf(array: Int32Array, index: unknown): index is number {
  return typeof index === 'number' && index >= 0 && index < array.length;
}

function isMethodOf(object: unknown, name: string): boolean {
  return typeof (object as Record<string, unknown>)[name] === 'function';
}
