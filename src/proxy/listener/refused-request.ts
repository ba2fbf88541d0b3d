/** A request that the overload manager refused: answered at once, without an exchange. */
import { isGrpcCall } from '../../http/grpc/content.ts';
import { GRPC_STATUS } from '../../http/grpc/status.ts';
import type { Head } from '../../http/head.ts';
import type { MessageReceiver, Stream } from '../../http/message.ts';
import type { Reason } from '../overload/overload.ts';
import type { Downstream } from '../router/downstream.ts';
import { sendGrpcReply, sendReply } from '../router/reply.ts';
import type { Recess } from './recess.ts';

const WORDS: Readonly<Record<Reason, string>> = {
  adaptive_concurrency: 'overloaded: too many requests in flight',
  memory: 'overloaded: memory is short',
};

export class RefusedRequest implements MessageReceiver {
  readonly #down: Downstream;
  readonly #stream: Stream;
  readonly #reason: Reason;
  readonly #recess: Recess;

  constructor(down: Downstream, stream: Stream, reason: Reason, recess: Recess) {
    this.#down = down;
    this.#stream = stream;
    this.#reason = reason;
    this.#recess = recess;
  }

  onHead(head: Head, last: boolean): void {
    const { edge, world } = this.#down;
    const text = WORDS[this.#reason];
    const response = isGrpcCall(head)
      ? sendGrpcReply(this.#stream, head, GRPC_STATUS.unavailable, 'OM', text)
      : sendReply(this.#stream, head, 503, 'OM', text);
    edge.countRequest(response.status, 'OM', 0);
    response.free();
    head.free();
    if (!last) this.#stream.discard();
    this.#recess.note();
    if (world.throttle.allows(`overload ${this.#reason}`)) {
      world.log.warn('requests are refused', { why: text, limit: world.overload.limit });
    }
  }

  onData(): void {}
  onWritable(): void {}
  onReset(): void {}

  onTrailers(fields: Head): void {
    fields.free();
  }
}
