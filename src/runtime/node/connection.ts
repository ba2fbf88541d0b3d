/**
 * A Connection over a socket of `node:net` or `node:tls`. Where its bytes come from (a static buffer, or 'data' events
 * of TLS) is the business of whoever attaches the socket.
 */
import type { Socket } from 'node:net';
import { BaseConnection } from '../../core/base-connection.ts';
import type { ConnectionInfo } from '../../core/runtime.ts';
import { reasonOf } from './socket-error.ts';

/** Behind an unfinished write, less than this is copied, so that a small message does not hold a whole chunk. */
const COPY_BELOW_BYTES = 16_384;

export class SocketConnection extends BaseConnection {
  readonly #onWritten = (): void => this.#afterWrite();
  readonly #onSocketEnd = (): void => this.peerEnded();
  readonly #onSocketError = (error: unknown): void => this.destroy(reasonOf(error, this.info.remote, this.#connecting));
  readonly #onSocketClose = (): void => this.transportClosed();
  /** Null until a handshake is done: bytes written before then wait in `#early`. */
  #socket: Socket | null = null;
  #early: Uint8Array[] = [];
  #earlyBytes = 0;
  /** Chunks of unfinished writes. */
  #kept: Uint8Array[] = [];
  #connecting = false;
  #transport: Socket | null = null;
  #abort: (() => void) | null = null;

  protected override get unsent(): number {
    return this.#earlyBytes + (this.#socket === null ? 0 : this.#socket.writableLength);
  }

  /** The socket is this connection's from here on; `start` begins to read it. `transport`: the TCP socket under a TLS one. */
  attach(socket: Socket, connecting: boolean, transport: Socket = socket): void {
    this.#abort = null;
    this.#socket = socket;
    this.#transport = transport;
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

  /** What closing undoes while there is no socket yet. */
  attachLater(abort: () => void): void {
    this.#abort = abort;
  }

  override opened(info: ConnectionInfo): void {
    this.#connecting = false;
    super.opened(info);
    this.start();
  }

  /** Reading begins, unless the handler paused it already. */
  start(): void {
    if (this.closed || this.#socket === null) return;
    if (this.paused) this.#socket.pause();
    else this.#socket.resume();
  }

  /** For a handshake that takes the socket over. Null when this connection is closed or has seen its peer's end. */
  release(): Socket | null {
    const socket = this.#socket;
    if (this.closed || socket === null || this.peerEndPending) return null;
    // Before anything is put back: a socket that flows with no listener throws away what it holds.
    socket.pause();
    const unseen = this.handOver();
    this.#detach(socket);
    for (const part of unseen.reverse()) socket.unshift(part);
    this.#socket = null;
    this.#kept = [];
    return socket;
  }

  protected override pauseReading(): void {
    this.#socket?.pause();
  }

  protected override resumeReading(): void {
    if (!this.#connecting) this.#socket?.resume();
  }

  protected override finishWriting(): void {
    this.#socket?.end();
  }

  protected override closeTransport(_reason: string, lost: boolean): void {
    const socket = this.#socket;
    if (socket !== null) {
      this.#detach(socket);
      socket.on('error', ignore);
      // Before the socket itself: what is destroyed cannot be reset, and TLS has no reset of its own.
      if (lost && !this.#connecting) this.#transport?.resetAndDestroy();
      socket.destroy();
    }
    this.#abort?.();
    this.#abort = null;
    this.#early = [];
    this.#earlyBytes = 0;
    // Left to the collector: the kernel may still be reading them.
    this.#kept = [];
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

  #afterWrite(): void {
    if (this.#socket !== null) this.#recycle(this.#socket);
    this.settle();
  }

  #recycle(socket: Socket): void {
    if (this.#kept.length === 0 || socket.writableLength > 0) return;
    for (const chunk of this.#kept) this.giveChunk(chunk);
    this.#kept = [];
  }

  #detach(socket: Socket): void {
    socket.off('end', this.#onSocketEnd);
    socket.off('error', this.#onSocketError);
    socket.off('close', this.#onSocketClose);
  }
}

function ignore(): void {}
