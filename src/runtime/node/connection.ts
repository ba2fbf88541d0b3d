/**
 * A Connection over a socket of `node:net` or `node:tls`: its life from the first byte that waits for a handshake to the
 * last callback. How bytes go in and out of an open socket is the business of the two kinds: `StreamConnection` here,
 * `RawConnection` on the handles below the streams.
 */
import type { Socket } from 'node:net';
import { BaseConnection } from '../../core/base-connection.ts';
import type { ConnectionInfo } from '../../core/runtime.ts';
import { reasonOf } from './socket-error.ts';

export abstract class SocketConnection extends BaseConnection {
  readonly #onSocketEnd = (): void => this.peerEnded();
  readonly #onSocketError = (error: unknown): void => this.fail(error);
  readonly #onSocketClose = (): void => this.transportClosed();
  /** Null until a handshake is done. */
  #socket: Socket | null = null;
  /** Written before the socket was open. */
  #early: Uint8Array[] = [];
  #earlyBytes = 0;
  #connecting = false;
  #transport: Socket | null = null;
  #abort: (() => void) | null = null;
  /** OpenSSL is on the stack: a reset now takes from under it what it goes on to read, and the process with it. */
  #inHandshake = false;

  /** The socket is open and this connection's; nothing of it is read yet. */
  protected abstract begin(socket: Socket): void;
  /** True: the chunk is still needed. */
  protected abstract send(socket: Socket, chunk: Uint8Array, end: number): boolean;
  /** Bytes that `send` got and the kernel has not. */
  protected abstract inFlight(socket: Socket): number;
  /** FIN, behind all that was sent. */
  protected abstract finish(socket: Socket): void;
  protected abstract startReading(socket: Socket): void;
  protected abstract stopReading(socket: Socket): void;
  /** The socket goes to somebody else, or ends. */
  protected abstract letGo(socket: Socket): void;

  protected override get unsent(): number {
    return this.#earlyBytes + (this.#socket === null ? 0 : this.inFlight(this.#socket));
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
    if (!connecting) this.#begin(socket);
  }

  /** Of the TCP socket, for system calls that Node does not have; -1: it has none, or Node does not show it. */
  get descriptor(): number {
    const { _handle: handle } = (this.#transport ?? {}) as { readonly _handle?: { readonly fd?: unknown } | null };
    return typeof handle?.fd === 'number' ? handle.fd : -1;
  }

  /** What closing undoes while there is no socket yet. */
  attachLater(abort: () => void): void {
    this.#abort = abort;
  }

  override opened(info: ConnectionInfo): void {
    const socket = this.#socket;
    if (this.#connecting && socket !== null) {
      this.#connecting = false;
      this.#begin(socket);
    }
    this.#inHandshake = this.#transport !== this.#socket;
    super.opened(info);
    this.#inHandshake = false;
    this.start();
  }

  /** Reading begins, unless the handler paused it already. */
  start(): void {
    if (this.closed || this.#socket === null) return;
    if (this.paused) this.stopReading(this.#socket);
    else this.startReading(this.#socket);
  }

  /** For a handshake that takes the socket over. Null when this connection is closed or has seen its peer's end. */
  release(): Socket | null {
    const socket = this.#socket;
    if (this.closed || socket === null || this.peerEndPending) return null;
    // Before anything is put back: a socket that flows with no listener throws away what it holds.
    socket.pause();
    const unseen = this.handOver();
    this.#detach(socket);
    this.letGo(socket);
    for (const part of unseen.reverse()) socket.unshift(part);
    this.#socket = null;
    return socket;
  }

  protected fail(error: unknown): void {
    this.destroy(reasonOf(error, this.info.remote, this.#connecting));
  }

  protected override pauseReading(): void {
    if (this.#socket !== null && !this.#connecting) this.stopReading(this.#socket);
  }

  protected override resumeReading(): void {
    if (this.#socket !== null && !this.#connecting) this.startReading(this.#socket);
  }

  protected override finishWriting(): void {
    if (this.#socket !== null && !this.#connecting) this.finish(this.#socket);
  }

  protected override closeTransport(_reason: string, lost: boolean): void {
    const socket = this.#socket;
    if (socket !== null) {
      this.#detach(socket);
      this.letGo(socket);
      socket.on('error', ignore);
      if (this.#inHandshake) setImmediate(() => this.#closeSocket(socket, lost));
      else this.#closeSocket(socket, lost);
    }
    this.#abort?.();
    this.#abort = null;
    this.#early = [];
    this.#earlyBytes = 0;
  }

  protected override transmit(chunk: Uint8Array, end: number): boolean {
    const socket = this.#socket;
    if (socket !== null && !this.#connecting) return this.send(socket, chunk, end);
    this.#early.push(chunk.slice(0, end));
    this.#earlyBytes += end;
    return false;
  }

  #closeSocket(socket: Socket, lost: boolean): void {
    // Before the socket itself: what is destroyed cannot be reset, and TLS has no reset of its own.
    if (lost && !this.#connecting && !isFinishing(socket) && this.#transport !== null) reset(this.#transport);
    socket.destroy();
  }

  #begin(socket: Socket): void {
    this.begin(socket);
    const early = this.#early;
    this.#early = [];
    this.#earlyBytes = 0;
    for (const bytes of early) if (!this.closed) this.send(socket, bytes, bytes.length);
    if (this.ended && !this.closed) this.finish(socket);
  }

  #detach(socket: Socket): void {
    socket.off('end', this.#onSocketEnd);
    socket.off('error', this.#onSocketError);
    socket.off('close', this.#onSocketClose);
  }
}

/**
 * All bytes are with the kernel and its FIN is on the way. libuv resets no such socket, and Node takes that for done: the
 * socket would stay open for as long as the process lives, and the process would never get through its exit.
 */
function isFinishing(socket: Socket): boolean {
  return socket.writableEnded && socket.writableLength === 0 && !socket.writableFinished;
}

/** A Unix socket has no reset, and Node throws at one that is asked for. */
function reset(socket: Socket): void {
  try {
    socket.resetAndDestroy();
  } catch {
    socket.destroy();
  }
}

function ignore(): void {}
