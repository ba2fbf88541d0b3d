/**
 * A connection whose socket lives in public and moves its bytes below: connecting, handshake, verification, errors, FIN
 * and close are the socket's, reads and writes of the open connection go to its handle. Reads of all connections land in
 * one buffer; a write that the kernel takes at once costs no object and no callback.
 */
import type { Socket } from 'node:net';
import { getSystemErrorName } from 'node:util';
import type { ConnectionContext } from '../../core/base-connection.ts';
import type { ConnectionHandler, ConnectionInfo } from '../../core/runtime.ts';
import { SocketConnection } from '../node/connection.ts';
import { type BulkBuffer, BulkBuffers, type BulkReader } from './bulk-buffers.ts';
import {
  handleOf,
  type HandleReader,
  type StreamHandle,
  type StreamInternals,
  type WriteRequest,
} from './stream-handle.ts';

const READ_BYTES = 65_536;
/** So many reads that fill the shared buffer and could have been written from a larger one earn a connection one. */
const FULL_READS = 4;
/** Then others have their turn: 2 MiB, which take about half a millisecond. */
const BULK_READS_IN_ROW = 4;
/** Behind an unfinished write, less than this is copied, so that a small message does not hold a whole chunk. */
const COPY_BELOW_BYTES = 16_384;

/** A read and its handler are one synchronous step. No Buffer: `slice` of a Buffer copies nothing. */
const readBuffer = new Uint8Array(new ArrayBuffer(READ_BYTES));

/** A write that libuv finishes later. */
interface Unfinished extends WriteRequest {
  connection: RawConnection | null;
  bytes: number;
  /** Goes back to the pool afterwards. */
  chunk: Uint8Array | null;
  /** So does this. */
  bulk: BulkBuffer | null;
  /** Of a write that was over before the call returned. */
  status: number;
}

interface Waiting {
  readonly chunk: Uint8Array;
  start: number;
  readonly end: number;
}

export class RawConnection extends SocketConnection implements HandleReader, BulkReader {
  readonly #internals: StreamInternals;
  readonly #requests: WriteRequests;
  #handle: StreamHandle | null = null;
  /** Node's own reader: for everything that is not bytes. */
  #publicRead: StreamHandle['onread'] | null = null;
  #unfinishedBytes = 0;
  readonly #maxTlsWriteBytes: number;
  /** TLS takes one write at a time, and copies what it cannot send at once; the kernel takes many, and keeps them. */
  #isTls = false;
  /** Behind the write that TLS is at. */
  #waiting: Waiting[] = [];
  #afterWrites: (() => void) | null = null;
  /** Null: reads go to the shared buffer. */
  #bulk: BulkBuffer | null = null;
  #fullReads = 0;

  constructor(
    internals: StreamInternals,
    requests: WriteRequests,
    context: ConnectionContext,
    info: ConnectionInfo,
    handler: ConnectionHandler,
    maxTlsWriteBytes: number,
  ) {
    super(context, info, handler);
    this.#internals = internals;
    this.#requests = requests;
    this.#maxTlsWriteBytes = maxTlsWriteBytes;
  }

  /** For the handle's reader. */
  readPublic(handle: StreamHandle, bytes: unknown): void {
    this.#publicRead?.call(handle, bytes);
  }

  /** For the handle's reader. Returns the buffer of the next read, when it changes. */
  read(count: number): Uint8Array | undefined {
    const bulk = this.#bulk;
    if (bulk === null && count < READ_BYTES) {
      this.received(readBuffer, 0, count);
      return undefined;
    }
    this.#requests.reading = this;
    this.received(bulk === null ? readBuffer : bulk.bytes, 0, count);
    this.#requests.reading = null;
    return bulk === null ? this.#enlarge() : this.#afterBulkRead(bulk, count);
  }

  /** For a writer, of bytes that this connection is reading: the buffer that may be lent to the kernel. */
  lendable(bytes: Uint8Array): BulkBuffer | null {
    if (bytes === readBuffer) this.#fullReads++;
    return this.#bulk?.bytes === bytes ? this.#bulk : null;
  }

  /** The kernel is not done with it. */
  lent(): void {
    const bulk = this.#bulk;
    if (bulk === null) return;
    this.#bulk = null;
    this.#requests.bulks.lend(bulk);
    // It has shown what it is: the next full read earns it another.
    this.#fullReads = FULL_READS - 1;
  }

  giveBulkBack(): void {
    const bulk = this.#bulk;
    if (bulk === null) return;
    this.#bulk = null;
    this.#handle?.useUserBuffer(readBuffer);
    this.#requests.bulks.give(bulk);
  }

  /** For the request: one write is done. */
  written(request: Unfinished, status: number): void {
    this.#unfinishedBytes -= request.bytes;
    if (request.chunk !== null) this.giveChunk(request.chunk);
    if (request.bulk !== null) this.#requests.bulks.give(request.bulk);
    if (this.closed) return;
    if (status < 0) return this.fail(systemError(status, 'write'));
    if (this.#isTls) this.#writeNext();
    if (this.closed) return;
    this.settle();
    const then = this.#afterWrites;
    if (this.#unfinishedBytes > 0 || then === null || this.closed) return;
    this.#afterWrites = null;
    then();
  }

  protected override begin(socket: Socket): void {
    const handle = handleOf(socket);
    // Destroyed in this very turn; its 'close' follows.
    if (handle === null) return;
    this.#handle = handle;
    this.#isTls = 'encrypted' in socket;
    this.#publicRead = handle.onread;
    handle.weftReader = this;
    handle.onread = this.#requests.onRead;
    handle.useUserBuffer(readBuffer);
    // What came with the end of the handshake lies in the socket.
    for (let early = read(socket); early !== null; early = read(socket)) this.received(early, 0, early.length);
    handle.reading = true;
    handle.readStop();
    // It flows, so that its end is told; bytes never reach it.
    socket.resume();
  }

  protected override inFlight(): number {
    return this.#unfinishedBytes;
  }

  protected override send(_socket: Socket, chunk: Uint8Array, end: number): boolean {
    const isFirst = this.#unfinishedBytes === 0;
    const isWhole = !this.#isTls || end <= this.#maxTlsWriteBytes;
    if (isFirst && isWhole) return this.#write(chunk, chunk.subarray(0, end), end);
    const isSmall = end < COPY_BELOW_BYTES;
    if (this.#isTls) {
      this.#waiting.push({ chunk: isSmall ? chunk.slice(0, end) : chunk, start: 0, end });
      this.#unfinishedBytes += end;
      if (isFirst) this.#writeNext();
      return !isSmall;
    }
    if (!isSmall) return this.#write(chunk, chunk.subarray(0, end), end);
    this.#write(null, chunk.slice(0, end), end);
    return false;
  }

  protected override transmitBorrowed(bytes: Uint8Array, start: number, end: number): boolean {
    const { reading } = this.#requests;
    // TLS takes sixteen KiB at a time, so that its reader and its writer gain nothing here.
    if (reading === null || this.#isTls || this.#handle === null || this.#unfinishedBytes > 0) return false;
    const bulk = reading.lendable(bytes);
    if (bulk === null) return false;
    this.flush();
    // What was in front goes first, and a failed connection takes everything.
    if (this.closed) return true;
    if (this.#unfinishedBytes > 0) return false;
    const length = end - start;
    if (this.#write(null, length === bytes.length ? bytes : bytes.subarray(start, end), length, bulk)) reading.lent();
    return true;
  }

  protected override finish(socket: Socket): void {
    // The socket knows nothing of our writes, and TLS would end in front of them.
    if (this.#unfinishedBytes > 0) this.#afterWrites = () => socket.end();
    else socket.end();
  }

  protected override startReading(): void {
    this.#handle?.readStart();
  }

  protected override stopReading(): void {
    this.#handle?.readStop();
  }

  protected override letGo(): void {
    const handle = this.#handle;
    if (handle === null) return;
    this.giveBulkBack();
    this.#handle = null;
    handle.readStop();
    handle.reading = false;
    delete handle.weftReader;
    if (this.#publicRead !== null) handle.onread = this.#publicRead;
    this.#waiting = [];
    this.#afterWrites = null;
  }

  #enlarge(): Uint8Array | undefined {
    if (this.#fullReads < FULL_READS || this.#handle === null) return undefined;
    this.#bulk = this.#requests.bulks.take(this);
    if (this.#bulk === null) return undefined;
    this.#fullReads = 0;
    return this.#bulk.bytes;
  }

  #afterBulkRead(bulk: BulkBuffer, count: number): Uint8Array | undefined {
    const handle = this.#handle;
    if (handle === null) return undefined;
    if (this.#bulk === null) return readBuffer;
    if (count < READ_BYTES) {
      this.#bulk = null;
      this.#requests.bulks.give(bulk);
      return readBuffer;
    }
    if (++bulk.reads % BULK_READS_IN_ROW === 0) {
      handle.readStop();
      this.context.turn.after(() => this.start());
    }
    return undefined;
  }

  /** TLS has nothing under way: it gets the next of what waits. */
  #writeNext(): void {
    for (let next = this.#waiting[0]; next !== undefined && !this.closed; next = this.#waiting[0]) {
      const { chunk, start, end } = next;
      const length = Math.min(end - start, this.#maxTlsWriteBytes);
      next.start += length;
      if (next.start === end) this.#waiting.shift();
      this.#unfinishedBytes -= length;
      const others = this.#unfinishedBytes;
      this.#write(null, chunk.subarray(start, start + length), length);
      // It has copied them.
      if (next.start === end) this.giveChunk(chunk);
      if (this.#unfinishedBytes > others) return;
    }
  }

  /** True: the bytes are needed until the write is done, and `chunk` or `bulk` goes back to its pool then. */
  #write(chunk: Uint8Array | null, bytes: Uint8Array, length: number, bulk: BulkBuffer | null = null): boolean {
    const handle = this.#handle;
    if (handle === null) return false;
    const request = this.#requests.take();
    request.handle = handle;
    const error = handle.writeBuffer(request, bytes);
    if (error !== 0) {
      this.#requests.give(request);
      this.fail(systemError(error, 'write'));
      return false;
    }
    // TLS says that what it sends at once has failed before it returns, and then that the write is under way.
    if (request.handle === null) {
      if (request.status !== 0) this.fail(systemError(request.status, 'write'));
      return false;
    }
    if (this.#internals.state[this.#internals.lastWriteWasAsync] === 0) {
      this.#requests.give(request);
      return false;
    }
    const keeps = (chunk !== null || bulk !== null) && !this.#isTls;
    request.connection = this;
    request.buffer = this.#isTls ? null : bytes;
    request.bytes = length;
    request.chunk = keeps ? chunk : null;
    request.bulk = bulk;
    this.#unfinishedBytes += length;
    return keeps;
  }
}

/** What all raw connections of a runtime share. */
export class WriteRequests {
  readonly onRead: StreamHandle['onread'];
  readonly bulks = new BulkBuffers();
  /** While a large read is being handled: whose. */
  reading: RawConnection | null = null;
  readonly #internals: StreamInternals;
  #spare: Unfinished | null = null;

  constructor(internals: StreamInternals) {
    this.#internals = internals;
    const { state, readBytes } = internals;
    this.onRead = function onRead(this: StreamHandle, bytes: unknown): Uint8Array | undefined {
      // Written by libuv in this very call.
      const count = state[readBytes] as number;
      const reader = this.weftReader as RawConnection | undefined;
      if (reader === undefined) return undefined;
      if (count > 0) return reader.read(count);
      reader.readPublic(this, bytes);
      return undefined;
    };
  }

  take(): Unfinished {
    const spare = this.#spare;
    if (spare !== null) {
      this.#spare = null;
      return spare;
    }
    const request = new this.#internals.WriteWrap() as Unfinished;
    request.oncomplete = onComplete;
    request.connection = null;
    request.buffer = null;
    request.bytes = 0;
    request.chunk = null;
    request.bulk = null;
    request.status = 0;
    return request;
  }

  /** It was not needed. */
  give(request: Unfinished): void {
    request.handle = null;
    this.#spare = request;
  }
}

function onComplete(this: WriteRequest, status: number): void {
  const request = this as Unfinished;
  const { connection } = request;
  request.connection = null;
  request.buffer = null;
  request.handle = null;
  if (connection === null) request.status = status;
  else connection.written(request, status);
  request.chunk = null;
  request.bulk = null;
}

function read(socket: Socket): Uint8Array | null {
  return socket.read() as Uint8Array | null;
}

function systemError(status: number, syscall: string): { code: string; syscall: string } {
  return { code: getSystemErrorName(status), syscall };
}
