/** One SDS stream of a program beside us: its own session, which is offered the identity again whenever that changes. */
import { isWeftError, messageOf } from '../../core/errors.ts';
import type { RpcHandler, RpcStatus, RpcStream } from '../../core/runtime.ts';
import type { XdsView } from '../../xds/resource.ts';
import { Quarantine } from '../../xds/server/quarantine.ts';
import { ResponseCache } from '../../xds/server/response-cache.ts';
import { type Nack, Session } from '../../xds/server/session.ts';
import { DeltaDiscoveryRequestTable } from '../../xds/tables/tables.gen.ts';
import { decode } from '../../xds/wire/decode.ts';

/** Two names, and a node whose metadata may be long. */
const MAX_REQUEST_BYTES = 1 << 20;
const INVALID_ARGUMENT = 3;
const RESOURCE_EXHAUSTED = 8;

export interface SecretStreamOptions {
  readonly wallMs: () => number;
  readonly onNack: (nack: Nack) => void;
  readonly onGone: (stream: SecretStream) => void;
}

export class SecretStream implements RpcHandler {
  readonly #rpc: RpcStream;
  readonly #session: Session;
  readonly #onGone: (stream: SecretStream) => void;

  constructor(rpc: RpcStream, { wallMs, onNack, onGone }: SecretStreamOptions) {
    this.#rpc = rpc;
    this.#onGone = onGone;
    // No response is kept: each holds a key, and the next one holds another.
    const responses = new ResponseCache(0);
    this.#session = new Session({ nodeId: '', responses, quarantine: new Quarantine(), wallMs, onNack });
  }

  offer(view: XdsView): void {
    this.#session.offer(view);
    this.#pump();
  }

  onMessage(message: Uint8Array): void {
    try {
      this.#session.onRequest(decode(DeltaDiscoveryRequestTable, message, { maxBytes: MAX_REQUEST_BYTES }));
    } catch (error) {
      const code = isWeftError(error, 'limit-exceeded') ? RESOURCE_EXHAUSTED : INVALID_ARGUMENT;
      this.#rpc.end({ code, message: messageOf(error) });
      return;
    }
    this.#pump();
  }

  onWritable(): void {
    this.#pump();
  }

  onClose(_status: RpcStatus): void {
    this.#onGone(this);
  }

  #pump(): void {
    while (this.#rpc.writable) {
      const response = this.#session.next();
      if (response === null) return;
      this.#rpc.send(response.bytes);
    }
  }
}
