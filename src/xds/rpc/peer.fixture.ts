/** One end of an RPC in a test: keeps what it is told, and tells it on. */
import assert from 'node:assert/strict';
import type { RpcHandler, RpcStatus } from '../../core/runtime.ts';

export class Peer implements RpcHandler {
  readonly messages: Uint8Array[] = [];
  readonly closed = Promise.withResolvers<RpcStatus>();
  /** null: it is open. */
  status: RpcStatus | null = null;
  onMessageDo: (message: Uint8Array) => void = () => {};
  onWritableDo: () => void = () => {};

  onMessage(message: Uint8Array): void {
    this.messages.push(message);
    this.onMessageDo(message);
  }

  onWritable(): void {
    this.onWritableDo();
  }

  onClose(status: RpcStatus): void {
    assert.equal(this.status, null, 'closed twice');
    this.status = status;
    this.closed.resolve(status);
  }
}
