/**
 * The two halves of an HTTP message in flight, the same for HTTP/1.1 and HTTP/2: what arrives (MessageReceiver) and
 * what sends (Stream). Credit belongs to the receiving stream: each byte is released once; when the message ends, is
 * reset or discarded, the credit is whole again whatever was released.
 */
import type { ConnectionInfo } from '../core/runtime.ts';
import type { Head } from './head.ts';

/** Why a stream ended before its message did. Values are stable: they are counted by name. */
export const RESET = {
  /** The peer or the network closed the connection. */
  connection: 0,
  /** Refused before any processing: safe to try elsewhere. */
  refused: 1,
  /** The other side no longer wants it. */
  cancelled: 2,
  /** The peer broke the protocol. */
  protocol: 3,
  /** A bound of ours was reached. */
  limit: 4,
  timeout: 5,
  /** A kept-alive connection was closed by the peer before a byte of the response: the request may not have been seen. */
  stale: 6,
  /** Could not connect at all. */
  connect: 7,
  /** The peer gave this message up and promised nothing; its connection goes on. */
  aborted: 8,
} as const;
export type ResetReason = (typeof RESET)[keyof typeof RESET];

/** The side to which a message comes. Data bytes are borrowed until the call returns. */
export interface MessageReceiver {
  /** 1xx heads come first and are not last. The receiver owns the head and frees it. */
  onHead(head: Head, last: boolean): void;
  /** `last` with an empty range ends a message whose end was not known with its last bytes. */
  onData(bytes: Uint8Array, start: number, end: number, last: boolean): void;
  /** Ends the message. The receiver owns `fields`. */
  onTrailers(fields: Head): void;
  /** Once, when `unsent` has fallen to LOW_WATER after it passed HIGH_WATER. */
  onWritable(): void;
  /** Ends the message. The receiver never calls back into the codec from here. */
  onReset(reason: ResetReason): void;
}

/** The side from which a message goes. Bytes wait here and nowhere else. */
export interface Stream {
  sendHead(head: Head, last: boolean): void;
  /** Takes all of it, by value. */
  sendData(bytes: Uint8Array, start: number, end: number, last: boolean): void;
  sendTrailers(fields: Head): void;
  /** Bytes taken and not yet with the kernel. */
  readonly unsent: number;
  /** Of the connection that carries it; null: that is gone. Unset: a stream that nothing carries. */
  readonly info?: ConnectionInfo | null;
  /** Gives credit back for `bytes` of the received message: h1 reads on, h2 sends WINDOW_UPDATE for stream and connection. */
  release(bytes: number): void;
  /** Nobody listens: drop the rest of the received message up to a bound, then reset. */
  discard(): void;
  reset(reason: ResetReason): void;
}
