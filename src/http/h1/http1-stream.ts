/**
 * What both ends of an HTTP/1.1 exchange share: credit for what arrives and the order of what is sent. One object an
 * exchange: when the exchange is over it lets go of the connection, so that a late call cannot touch the next one.
 */
import { type Connection, type ConnectionInfo, HIGH_WATER } from '../../core/runtime.ts';
import type { Head } from '../head.ts';
import type { MessageReceiver, ResetReason, Stream } from '../message.ts';
import type { BodyWriter } from './body-writer.ts';

/** Bytes that a receiver may hold unreleased before the connection is paused. */
export const WINDOW = HIGH_WATER;

export abstract class Http1Stream implements Stream {
  /** Null when the exchange is over. */
  protected connection: Connection | null;
  /** Null when nobody listens; for the codec. */
  receiver: MessageReceiver | null = null;
  /** The message that comes in is complete; for the codec. */
  received = false;
  /** The message that goes out is complete; for the codec. */
  sent = false;
  /** Grows with the content that is handed over to be sent, and by one with a head; for the codec. */
  written = 0;
  /** Content that came, and credit that was given after a pause; for the codec. */
  moves = 0;
  protected headSent = false;
  protected readonly writer: BodyWriter;
  #owed = 0;
  #isPaused = false;
  #discarded = 0;

  constructor(connection: Connection, writer: BodyWriter) {
    this.connection = connection;
    this.writer = writer;
  }

  get info(): ConnectionInfo | null {
    return this.connection === null ? null : this.connection.info;
  }

  get unsent(): number {
    return this.connection === null ? 0 : this.connection.backlog;
  }

  /** The peer may not send: too much of what it sent has not been taken. For the codec. */
  get paused(): boolean {
    return this.#isPaused;
  }

  abstract sendHead(head: Head, last: boolean): void;
  abstract reset(reason: ResetReason): void;
  /** The outgoing message is complete. */
  protected abstract onSent(): void;
  /** The outgoing message cannot be completed. */
  protected abstract onUnsendable(): void;
  protected abstract onDiscard(): void;

  sendData(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    if (this.connection === null || !this.headSent || this.sent) return;
    this.written += end - start;
    if (!this.writer.write(this.connection, bytes, start, end, last)) this.onUnsendable();
    else if (last) this.endSending();
  }

  sendTrailers(fields: Head): void {
    if (this.connection === null || !this.headSent || this.sent) return;
    if (this.writer.writeTrailers(this.connection, fields)) this.endSending();
    else this.onUnsendable();
  }

  release(bytes: number): void {
    this.#owed = Math.max(0, this.#owed - bytes);
    if (this.#isPaused && this.#owed <= WINDOW / 2) this.#resume();
  }

  discard(): void {
    if (this.connection === null || this.receiver === null) return;
    this.receiver = null;
    this.#restoreCredit();
    if (!this.received) this.onDiscard();
  }

  /** For the codec: passes content on, or drops it. Returns how much was dropped in this exchange so far. */
  deliver(bytes: Uint8Array, start: number, end: number, last: boolean): number {
    if (last) this.endReceiving();
    const receiver = this.receiver;
    if (receiver === null) {
      this.#discarded += end - start;
      return this.#discarded;
    }
    this.moves += end - start;
    if (!last) this.#owed += end - start;
    receiver.onData(bytes, start, end, last);
    if (!last && this.#owed >= WINDOW && !this.#isPaused && this.receiver !== null && this.connection !== null) {
      this.#isPaused = true;
      this.connection.pause();
    }
    return 0;
  }

  /** For the codec: the incoming message is complete, its credit is whole again. */
  endReceiving(): void {
    this.received = true;
    this.#restoreCredit();
  }

  /** For the codec: the exchange is over; every call from now on does nothing. */
  detach(): void {
    this.#restoreCredit();
    this.connection = null;
    this.receiver = null;
  }

  protected endSending(): void {
    this.sent = true;
    this.onSent();
  }

  #restoreCredit(): void {
    this.#owed = 0;
    if (this.#isPaused) this.#resume();
  }

  #resume(): void {
    this.#isPaused = false;
    this.moves += WINDOW / 2;
    this.connection?.resume();
  }
}
