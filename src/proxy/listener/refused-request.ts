/**
 * A request that the overload manager refused: answered at once, without an exchange, and its connection is not read
 * from for a moment. The moment is the kernel's to bear, not the core's.
 */
import type { Connection } from '../../core/runtime.ts';
import { Timer } from '../../core/timer-wheel.ts';
import { isGrpcCall } from '../../http/grpc/content.ts';
import type { Head } from '../../http/head.ts';
import type { MessageReceiver, Stream } from '../../http/message.ts';
import type { Reason } from '../overload/overload.ts';
import type { Downstream } from '../router/downstream.ts';
import { sendGrpcReply, sendReply } from '../router/reply.ts';

const WORDS: Readonly<Record<Reason, string>> = {
  adaptive_concurrency: 'overloaded: too many requests in flight',
  memory: 'overloaded: memory is short',
};

export class RefusedRequest extends Timer implements MessageReceiver {
  readonly #connection: Connection;
  readonly #down: Downstream;
  readonly #stream: Stream;
  readonly #reason: Reason;
  readonly #isShared: boolean;

  /** `isShared`: other streams live on the connection, which therefore is not made to wait. */
  constructor(connection: Connection, down: Downstream, stream: Stream, reason: Reason, isShared: boolean) {
    super();
    this.#connection = connection;
    this.#down = down;
    this.#stream = stream;
    this.#reason = reason;
    this.#isShared = isShared;
  }

  onHead(head: Head, last: boolean): void {
    const { edge, world } = this.#down;
    const send = isGrpcCall(head) ? sendGrpcReply : sendReply;
    const response = send(this.#stream, head, 503, 'OM', WORDS[this.#reason]);
    edge.countRequest(response.status, 'OM', 0);
    response.free();
    head.free();
    if (!last) this.#stream.discard();
    if (!this.#isShared && !this.#connection.closed) {
      this.#connection.pause();
      world.timers.arm(this, world.overload.pauseMs());
    }
    if (world.throttle.allows(`overload ${this.#reason}`)) {
      world.log.warn('requests are refused', { why: WORDS[this.#reason], limit: world.overload.limit });
    }
  }

  onData(): void {}
  onWritable(): void {}
  onReset(): void {}

  onTrailers(fields: Head): void {
    fields.free();
  }

  override fire(): void {
    this.#down.world.overload.connectionResumed();
    this.#connection.resume();
  }
}
