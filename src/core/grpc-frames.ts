/** gRPC's length-prefixed messages (PROTOCOL-HTTP2.md, "Length-Prefixed-Message"): a flag byte, four of length, bytes. */
import { concatBytes, EMPTY_BYTES } from './bytes.ts';
import type { RpcStatus } from './runtime.ts';

export const PREFIX_BYTES = 5;

const RESOURCE_EXHAUSTED = 8;
const INTERNAL = 13;

/** One configuration push may be large; a message beyond this is refused, in and out. */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

export function framePrefix(length: number): Buffer {
  const prefix = Buffer.allocUnsafe(PREFIX_BYTES);
  prefix[0] = 0;
  prefix.writeUInt32BE(length, 1);
  return prefix;
}

/** Cuts a byte stream into messages. Memory grows with the bytes that came, never with the length that was announced. */
export class FrameReader {
  readonly #onMessage: (message: Uint8Array) => void;
  readonly #maxBytes: number;
  readonly #prefix = Buffer.alloc(PREFIX_BYTES);
  #prefixBytes = 0;
  #parts: Uint8Array[] = [];
  #missing = 0;

  constructor(onMessage: (message: Uint8Array) => void, maxBytes: number = MAX_MESSAGE_BYTES) {
    this.#onMessage = onMessage;
    this.#maxBytes = maxBytes;
  }

  /** True between two messages: where a stream may end. */
  get idle(): boolean {
    return this.#prefixBytes === 0;
  }

  /** Takes bytes over (views of them become messages). A status refuses the stream. */
  push(bytes: Uint8Array): RpcStatus | null {
    let at = 0;
    while (at < bytes.length) {
      if (this.#prefixBytes < PREFIX_BYTES) {
        this.#prefix[this.#prefixBytes++] = bytes[at++] as number;
        if (this.#prefixBytes < PREFIX_BYTES) continue;
        // We announce no grpc-encoding, so a compressed message breaks the protocol.
        if (this.#prefix[0] !== 0) return { code: INTERNAL, message: 'compressed message without an agreed encoding' };
        this.#missing = this.#prefix.readUInt32BE(1);
        if (this.#missing > this.#maxBytes) {
          return {
            code: RESOURCE_EXHAUSTED,
            message: `message of ${this.#missing} bytes, at most ${this.#maxBytes}`,
          };
        }
      } else {
        const end = Math.min(bytes.length, at + this.#missing);
        this.#parts.push(bytes.subarray(at, end));
        this.#missing -= end - at;
        at = end;
      }
      if (this.#missing === 0) this.#complete();
    }
    return null;
  }

  #complete(): void {
    const [only, ...more] = this.#parts;
    const message = only === undefined ? EMPTY_BYTES : more.length === 0 ? only : concatBytes(this.#parts);
    this.#parts = [];
    this.#prefixBytes = 0;
    this.#onMessage(message);
  }
}
