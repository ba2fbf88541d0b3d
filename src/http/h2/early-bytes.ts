/**
 * Stands in for the receiver of a stream that asked for a tunnel, until the tunnel is open: what the peer sends ahead
 * waits here, unreleased, so its window bounds it.
 */
import type { Head } from '../head.ts';
import type { MessageReceiver, ResetReason } from '../message.ts';

export class EarlyBytes implements MessageReceiver {
  readonly receiver: MessageReceiver;
  #parts: Uint8Array[] = [];
  #isLast = false;

  constructor(receiver: MessageReceiver) {
    this.receiver = receiver;
  }

  onHead(head: Head, last: boolean): void {
    this.receiver.onHead(head, last);
  }

  onData(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    // Not `slice`: of a Buffer that would be a view.
    this.#parts.push(Buffer.from(bytes.subarray(start, end)));
    this.#isLast = last;
  }

  /** The codec lets none through. */
  onTrailers(fields: Head): void {
    fields.free();
  }

  onWritable(): void {
    this.receiver.onWritable();
  }

  onReset(reason: ResetReason): void {
    this.receiver.onReset(reason);
  }

  /** The tunnel is open. */
  flush(): void {
    const parts = this.#parts;
    this.#parts = [];
    for (const part of parts) this.receiver.onData(part, 0, part.length, false);
    if (this.#isLast) this.receiver.onData(new Uint8Array(0), 0, 0, true);
  }

  clear(): void {
    this.#parts = [];
  }
}
