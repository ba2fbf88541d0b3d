/** One stream to a server as a state machine without I/O: what delta and state-of-the-world streams look like from outside. */

export interface XdsStream {
  /** A stream was opened. What is held stays in use, and is told to the server as far as the protocol can. */
  open(): void;
  /** The stream is gone; nothing is asked until the next `open`. */
  close(): void;
  /** The next request to send, or null. Ask again after `open`, `onMessage` and after names were wanted. */
  next(): Uint8Array | null;
  /** Throws `invalid` or `limit-exceeded` when the message is not a response: the stream cannot go on. */
  onMessage(bytes: Uint8Array): void;
}
