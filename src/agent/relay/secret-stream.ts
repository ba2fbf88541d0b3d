/** One SDS stream of a program beside us: its own session, which is offered the identity again whenever that changes. */
import { isWeftError, messageOf } from '../../core/errors.ts';
import type { RpcHandler, RpcStatus, RpcStream } from '../../core/runtime.ts';
import type { XdsView } from '../../xds/resource.ts';
import { type Nack, Quarantine } from '../../xds/server/quarantine.ts';
import { ResponseCache } from '../../xds/server/response-cache.ts';
import { type Dialect, Session, type XdsRequest } from '../../xds/server/session.ts';
import { decode } from '../../xds/wire/decode.ts';

/** Two names, and a node whose metadata may be long. */
const MAX_REQUEST_BYTES = 1 << 20;
const INVALID_ARGUMENT = 3;
const RESOURCE_EXHAUSTED = 8;

export interface SecretStreamOptions {
  readonly wallMs: () => number;
  readonly onNack: (nack: Nack) => void;
  readonly onGone: (stream: Offered) => void;
}

/** Whatever the variant that the stream speaks. */
export interface Offered {
  offer(view: XdsView): void;
}

export class SecretStream<Request extends XdsRequest> implements RpcHandler, Offered {
  readonly #rpc: RpcStream;
  readonly #dialect: Dialect<Request>;
  readonly #session: Session<Request>;
  readonly #onGone: (stream: Offered) => void;

  constructor(rpc: RpcStream, dialect: Dialect<Request>, { wallMs, onNack, onGone }: SecretStreamOptions) {
    this.#rpc = rpc;
    this.#dialect = dialect;
    this.#onGone = onGone;
    // No response is kept: each holds a key, and the next one holds another.
    const responses = new ResponseCache(0);
    const shared = { responses, quarantine: new Quarantine(), wallMs, onNack };
    this.#session = new Session(dialect, { nodeId: '', client: { isGrpc: false }, ...shared });
  }

  offer(view: XdsView): void {
    this.#session.offer(view);
    this.#pump();
  }

  onMessage(message: Uint8Array): void {
    try {
      this.#session.onRequest(decode(this.#dialect.table, message, { maxBytes: MAX_REQUEST_BYTES }));
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
