/**
 * A Connection over a socket of `node:net` or `node:tls`: exact pauses, bytes given back, one flush a turn, one close.
 * Where its bytes come from (a static buffer, or 'data' events of TLS) is the business of whoever attaches the socket.
 */
import type { Socket } from 'node:net';
import type { ChunkPool } from '../../core/chunk-pool.ts';
import { messageOf } from '../../core/errors.ts';
import { HeldBytes } from '../../core/held-bytes.ts';
import { Output, type Turn } from '../../core/output.ts';
import type { Connection, ConnectionHandler, ConnectionInfo } from '../../core/runtime.ts';
import { reasonOf } from './socket-error.ts';

/** Behind an unfinished write, less than this is copied, so that a small message does not hold a whole chunk. */
const COPY_BELOW_BYTES = 16_384;

/** What all connections of one runtime share. */
export interface ConnectionContext {
  readonly turn: Turn;
  readonly chunks: ChunkPool;
  /** Told of what a handler threw; the connection has been destroyed. */
  readonly report: (error: unknown) => void;
}

export class SocketConnection extends Output implements Connection {
  handler: ConnectionHandler;
  info: ConnectionInfo;
  readonly #context: ConnectionContext;
  readonly #held = new HeldBytes();
  readonly #onWritten = (): void => this.#afterWrite();
  readonly #onSocketEnd = (): void => this.#peerEnded();
  readonly #onSocketError = (error: unknown): void => this.fail(reasonOf(error, this.info.remote, this.#connecting));
  readonly #onSocketClose = (): void => this.#socketClosed();
  readonly #deliver = (): void => this.#deliverHeld();
  /** Null until a handshake is done: bytes written before then wait in `#early`. */
  #socket: Socket | null = null;
  #early: Uint8Array[] = [];
  #earlyBytes = 0;
  /** Chunks of unfinished writes. */
  #kept: Uint8Array[] = [];
  #connecting = false;
  #paused = false;
  #deliveryScheduled = false;
  #unreadInDelivery = false;
  #endPending = false;
  #closePending = false;
  #abort: ((reason: string) => void) | null = null;

  constructor(context: ConnectionContext, info: ConnectionInfo, handler: ConnectionHandler) {
    super(context.turn, context.chunks);
    this.#context = context;
    this.info = info;
    this.handler = handler;
  }

  get paused(): boolean {
    return this.#paused;
  }

  protected override get unsent(): number {
    return this.#earlyBytes + (this.#socket === null ? 0 : this.#socket.writableLength);
  }

  /** The socket is this connection's from here on. */
  attach(socket: Socket, connecting: boolean): void {
    this.#abort = null;
    this.#socket = socket;
    this.#connecting = connecting;
    socket.on('end', this.#onSocketEnd);
    socket.on('error', this.#onSocketError);
    socket.on('close', this.#onSocketClose);
    const early = this.#early;
    this.#early = [];
    this.#earlyBytes = 0;
    for (const bytes of early) socket.write(bytes, this.over ? this.#onWritten : undefined);
    if (this.ended) socket.end();
  }

  /** Reading begins. */
  start(): void {
    if (this.closed || this.#socket === null) return;
    if (this.#paused) this.#socket.pause();
    else this.#socket.resume();
  }

  /** What `destroy` undoes while there is no socket yet. */
  attachLater(abort: (reason: string) => void): void {
    this.#abort = abort;
  }

  opened(info: ConnectionInfo): void {
    this.#connecting = false;
    this.info = info;
    this.#guarded(() => this.handler.onOpen());
    this.start();
  }

  /** Bytes from the peer, borrowed. Called once per read: no closure here. */
  received(bytes: Uint8Array, start: number, end: number): void {
    if (this.closed) return;
    if (this.#paused || this.#held.length > 0) {
      this.#held.append(bytes, start, end);
      return;
    }
    try {
      this.handler.onBytes(bytes, start, end);
    } catch (error) {
      this.handlerThrew(error);
    }
  }

  unread(bytes: Uint8Array, start: number, end: number): void {
    if (this.closed) return;
    this.#held.prepend(bytes, start, end);
    this.#unreadInDelivery = true;
    if (!this.#paused) this.#scheduleDelivery();
  }

  pause(): void {
    if (this.#paused || this.closed) return;
    this.#paused = true;
    this.#socket?.pause();
  }

  resume(): void {
    if (!this.#paused || this.closed) return;
    this.#paused = false;
    if (this.#held.length > 0 || this.#endPending || this.#closePending) this.#scheduleDelivery();
    if (!this.#connecting) this.#socket?.resume();
  }

  end(): void {
    if (this.closed || this.ended) return;
    this.flush();
    this.ended = true;
    this.#socket?.end();
  }

  destroy(reason: string): void {
    this.fail(reason);
  }

  /** Ends both directions now; the first reason counts. */
  fail(reason: string): void {
    if (this.closed) return;
    const lost = this.backlog > 0;
    this.closed = true;
    const socket = this.#socket;
    if (socket !== null) {
      this.#detach(socket);
      socket.on('error', ignore);
      if (lost && !this.#connecting && this.info.tls === null) socket.resetAndDestroy();
      else socket.destroy();
    }
    this.#abort?.(reason);
    this.#forget();
    this.#callOnClose(reason);
  }

  /** For a handshake that takes the socket over. Null when this connection is closed or has seen its peer's end. */
  release(): Socket | null {
    const socket = this.#socket;
    if (this.closed || socket === null || this.#endPending) return null;
    this.flush();
    this.closed = true;
    socket.pause();
    this.#detach(socket);
    const parts: Uint8Array[] = [];
    for (let part = this.#held.take(); part !== null; part = this.#held.take()) parts.push(part);
    for (const part of parts.reverse()) socket.unshift(part);
    this.#socket = null;
    this.#forget();
    return socket;
  }

  protected override transmit(chunk: Uint8Array, end: number): boolean {
    const socket = this.#socket;
    if (socket === null) {
      this.#early.push(chunk.slice(0, end));
      this.#earlyBytes += end;
      return false;
    }
    this.#recycle(socket);
    const written = this.over ? this.#onWritten : undefined;
    if (end < COPY_BELOW_BYTES && socket.writableLength > 0) {
      socket.write(chunk.slice(0, end), written);
      return false;
    }
    socket.write(chunk.subarray(0, end), written);
    // The kernel took all of it in this call, nearly always, and then the chunk is free at once.
    if (socket.writableLength === 0) return false;
    this.#kept.push(chunk);
    return true;
  }

  protected override handlerThrew(error: unknown): void {
    this.fail(`internal: ${messageOf(error)}`);
    this.#context.report(error);
  }

  #afterWrite(): void {
    if (this.#socket !== null) this.#recycle(this.#socket);
    this.settle();
  }

  #recycle(socket: Socket): void {
    if (this.#kept.length === 0 || socket.writableLength > 0) return;
    for (const chunk of this.#kept) this.giveChunk(chunk);
    this.#kept = [];
  }

  #scheduleDelivery(): void {
    if (this.#deliveryScheduled) return;
    this.#deliveryScheduled = true;
    this.#context.turn.after(this.#deliver);
  }

  #deliverHeld(): void {
    this.#deliveryScheduled = false;
    this.#unreadInDelivery = false;
    while (!this.closed && !this.#paused && this.#held.length > 0) {
      // What the handler gave back again waits for the next turn, where more may have come.
      if (this.#unreadInDelivery) return;
      const part = this.#held.take();
      if (part !== null) this.#guarded(() => this.handler.onBytes(part, 0, part.length));
    }
    if (this.closed || this.#paused) return;
    if (this.#endPending) {
      this.#endPending = false;
      this.#guarded(() => this.handler.onEnd());
    }
    if (this.#closePending) this.fail('');
  }

  #peerEnded(): void {
    if (this.#paused || this.#held.length > 0) this.#endPending = true;
    else if (!this.closed) this.#guarded(() => this.handler.onEnd());
  }

  #socketClosed(): void {
    if (this.#held.length > 0 || this.#endPending) this.#closePending = true;
    else this.fail('');
  }

  #detach(socket: Socket): void {
    socket.off('end', this.#onSocketEnd);
    socket.off('error', this.#onSocketError);
    socket.off('close', this.#onSocketClose);
  }

  #forget(): void {
    this.dropOutput();
    this.#held.clear();
    this.#early = [];
    this.#earlyBytes = 0;
    // Left to the collector: the kernel may still be reading them.
    this.#kept = [];
  }

  #guarded(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.handlerThrew(error);
    }
  }

  #callOnClose(reason: string): void {
    try {
      this.handler.onClose(reason);
    } catch (error) {
      this.#context.report(error);
    }
  }
}

function ignore(): void {}
