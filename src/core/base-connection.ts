/**
 * What every Connection does the same way, whatever carries its bytes: exact pauses, bytes given back, order of the
 * last callbacks, one close. A runtime adds the transport below.
 */
import type { ChunkPool } from './chunk-pool.ts';
import { messageOf } from './errors.ts';
import { HeldBytes } from './held-bytes.ts';
import { Output, type Turn } from './output.ts';
import type { Connection, ConnectionHandler, ConnectionInfo } from './runtime.ts';

/** What all connections of one runtime share. */
export interface ConnectionContext {
  readonly turn: Turn;
  readonly chunks: ChunkPool;
  /** Told of what a handler threw; the connection has been destroyed. */
  readonly report: (error: unknown) => void;
}

export abstract class BaseConnection extends Output implements Connection {
  handler: ConnectionHandler;
  info: ConnectionInfo;
  protected readonly context: ConnectionContext;
  readonly #held = new HeldBytes();
  readonly #deliver = (): void => this.#deliverHeld();
  #paused = false;
  #deliveryScheduled = false;
  #unreadInDelivery = false;
  #endPending = false;
  #endGiven = false;
  #closePending = false;

  constructor(context: ConnectionContext, info: ConnectionInfo, handler: ConnectionHandler) {
    super(context.turn, context.chunks);
    this.context = context;
    this.info = info;
    this.handler = handler;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Bytes may still come once after `pauseReading`; they are held. */
  protected abstract pauseReading(): void;

  protected abstract resumeReading(): void;

  /** All that was written has been handed to `transmit`; FIN follows it. */
  protected abstract finishWriting(): void;

  /** Lets go of the transport. `lost`: bytes that were written will not arrive, so the peer should see a reset. */
  protected abstract closeTransport(reason: string, lost: boolean): void;

  unread(bytes: Uint8Array, start: number, end: number): void {
    if (this.closed) return;
    this.#held.prepend(bytes, start, end);
    this.#unreadInDelivery = true;
    // Who gives bytes back gives the end that followed them back too: the next handler is to see both.
    if (this.#endGiven) this.#endPending = true;
    this.#endGiven = false;
    if (!this.#paused) this.#scheduleDelivery();
  }

  pause(): void {
    if (this.#paused || this.closed) return;
    this.#paused = true;
    this.pauseReading();
  }

  resume(): void {
    if (!this.#paused || this.closed) return;
    this.#paused = false;
    if (this.#held.length > 0 || this.#endPending || this.#closePending) this.#scheduleDelivery();
    this.resumeReading();
  }

  end(): void {
    if (this.closed || this.ended) return;
    this.flush();
    this.ended = true;
    this.finishWriting();
  }

  destroy(reason: string): void {
    if (this.closed) return;
    // With a reason the peer must not take what it has for all there is: a FIN would say so.
    const lost = this.backlog > 0 || reason !== '';
    this.closed = true;
    this.closeTransport(reason, lost);
    this.dropOutput();
    this.#held.clear();
    try {
      this.handler.onClose(reason);
    } catch (error) {
      this.context.report(error);
    }
  }

  /** A connection that was begun can carry bytes. */
  opened(info: ConnectionInfo): void {
    this.info = info;
    try {
      this.handler.onOpen();
    } catch (error) {
      this.handlerThrew(error);
    }
  }

  /** Bytes from the peer, borrowed. Called once per read: no closure here. */
  received(bytes: Uint8Array, start: number, end: number): void {
    if (this.closed) return;
    if (this.#paused || this.#held.length > 0) {
      this.#held.append(bytes, start, end);
      return;
    }
    this.#giveBytes(bytes, start, end);
  }

  /** The peer sent FIN, after all bytes that were received. */
  protected peerEnded(): void {
    if (this.closed) return;
    if (this.#paused || this.#held.length > 0) this.#endPending = true;
    else this.#giveEnd();
  }

  /** Both directions ended in order. */
  protected transportClosed(): void {
    if (this.#held.length > 0 || this.#endPending) this.#closePending = true;
    else this.destroy('');
  }

  protected get peerEndPending(): boolean {
    return this.#endPending;
  }

  /** For a handshake that takes the transport over: closed without onClose; returns the bytes nobody saw, in order. */
  protected handOver(): Uint8Array[] {
    this.flush();
    this.closed = true;
    this.dropOutput();
    const parts: Uint8Array[] = [];
    for (let part = this.#held.take(); part !== null; part = this.#held.take()) parts.push(part);
    return parts;
  }

  protected override handlerThrew(error: unknown): void {
    this.destroy(`internal: ${messageOf(error)}`);
    this.context.report(error);
  }

  #scheduleDelivery(): void {
    if (this.#deliveryScheduled) return;
    this.#deliveryScheduled = true;
    this.context.turn.after(this.#deliver);
  }

  #deliverHeld(): void {
    this.#deliveryScheduled = false;
    this.#unreadInDelivery = false;
    while (!this.closed && !this.#paused && this.#held.length > 0) {
      // What the handler gave back again waits for the next turn, where more may have come.
      if (this.#unreadInDelivery) return;
      const part = this.#held.take();
      if (part !== null) this.#giveBytes(part, 0, part.length);
    }
    if (this.closed || this.#paused) return;
    if (this.#endPending) {
      this.#endPending = false;
      this.#giveEnd();
    }
    if (this.#closePending && !this.closed && !this.#endPending) this.destroy('');
  }

  #giveBytes(bytes: Uint8Array, start: number, end: number): void {
    try {
      this.handler.onBytes(bytes, start, end);
    } catch (error) {
      this.handlerThrew(error);
    }
  }

  #giveEnd(): void {
    this.#endGiven = true;
    try {
      this.handler.onEnd();
    } catch (error) {
      this.handlerThrew(error);
    }
  }
}
