/** A connection that moves its bytes through the public streams: what runs wherever Node does. */
import type { Socket } from 'node:net';
import { SocketConnection } from './connection.ts';

/** Behind an unfinished write, less than this is copied, so that a small message does not hold a whole chunk. */
const COPY_BELOW_BYTES = 16_384;

export class StreamConnection extends SocketConnection {
  /** Chunks of unfinished writes. */
  #kept: Uint8Array[] = [];

  protected override begin(): void {}

  protected override inFlight(socket: Socket): number {
    return socket.writableLength;
  }

  protected override send(socket: Socket, chunk: Uint8Array, end: number): boolean {
    this.#recycle(socket);
    const written = this.over ? (): void => this.#afterWrite(socket) : undefined;
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

  protected override finish(socket: Socket): void {
    socket.end();
  }

  protected override startReading(socket: Socket): void {
    socket.resume();
  }

  protected override stopReading(socket: Socket): void {
    socket.pause();
  }

  /** Left to the collector: the kernel may still be reading them. */
  protected override letGo(): void {
    this.#kept = [];
  }

  #afterWrite(socket: Socket): void {
    this.#recycle(socket);
    this.settle();
  }

  #recycle(socket: Socket): void {
    if (this.#kept.length === 0 || socket.writableLength > 0) return;
    for (const chunk of this.#kept) this.giveChunk(chunk);
    this.#kept = [];
  }
}
