/**
 * RPC over simulated connections: one connection a stream, so that latency, loss, resets, partitions and refused
 * certificates come from the network below and need no model of their own.
 */
import { bytesOf, textOf } from '../../core/bytes.ts';
import {
  type Address,
  type Clock,
  type Connection,
  type ConnectionHandler,
  HIGH_WATER,
  type Listener,
  type Net,
  type PeerCertificate,
  type Rpc,
  type RpcAccept,
  type RpcHandler,
  type RpcStatus,
  type RpcStream,
  type RpcTarget,
  type TlsOptions,
} from '../../core/runtime.ts';

const PREFIX_BYTES = 5;
const PATH = 1;
const MESSAGE = 2;
const END = 3;
const STATUS = 4;
const PING = 5;
const PONG = 6;

const PING_INTERVAL_MS = 30_000;
const PING_TIMEOUT_MS = 10_000;

const OK: RpcStatus = { code: 0, message: '' };
const CANCELLED: RpcStatus = { code: 1, message: 'destroyed' };
const UNAVAILABLE = 14;

export function createSimRpc(net: Net, clock: Clock): Rpc {
  return {
    serve: (at, tls, accept) => serve(net, clock, at, tls, accept),
    open(target, path, handler) {
      const stream = new SimRpcStream(clock, target.address, null);
      stream.handler = handler;
      stream.attach(begin(net, target, stream));
      stream.frame(PATH, bytesOf(path));
      return stream;
    },
  };
}

function begin(net: Net, { address, tls }: RpcTarget, handler: ConnectionHandler): Connection {
  const plain = net.connect(address, tls === null ? handler : IGNORE);
  return tls === null ? plain : net.secure(plain, tls, handler);
}

async function serve(
  net: Net,
  clock: Clock,
  at: Address,
  tls: TlsOptions | null,
  accept: RpcAccept,
): Promise<Listener> {
  const streams = new Set<SimRpcStream>();
  const listener = await net.listen(at, (plain) => {
    const stream: SimRpcStream = new SimRpcStream(clock, plain.info.remote, (path, peer) => accept(stream, path, peer));
    stream.onGone = () => streams.delete(stream);
    streams.add(stream);
    stream.attach(tls === null ? plain : net.secure(plain, tls, stream));
    return tls === null ? stream : plain.handler;
  });
  return {
    address: listener.address,
    async close() {
      await listener.close();
      for (const stream of [...streams]) stream.destroy();
    },
  };
}

type AcceptPath = (path: string, peer: PeerCertificate | null) => RpcHandler | RpcStatus;

class SimRpcStream implements RpcStream, ConnectionHandler {
  readonly remote: Address;
  handler: RpcHandler | null = null;
  onGone: () => void = () => {};
  readonly #clock: Clock;
  /** Set on the serving end until the path has come. */
  #accept: AcceptPath | null;
  readonly #serving: boolean;
  #connection: Connection | null = null;
  #parts: Uint8Array = new Uint8Array(0);
  #closed = false;
  #ended = false;
  #cancelPing: () => void = () => {};

  constructor(clock: Clock, remote: Address, accept: AcceptPath | null) {
    this.#clock = clock;
    this.remote = remote;
    this.#accept = accept;
    this.#serving = accept !== null;
  }

  get writable(): boolean {
    return !this.#closed && (this.#connection?.backlog ?? 0) <= HIGH_WATER;
  }

  attach(connection: Connection): void {
    this.#connection = connection;
    this.#pingLater();
  }

  send(message: Uint8Array): void {
    if (!this.#ended) this.frame(MESSAGE, message);
  }

  end(status: RpcStatus = OK): void {
    if (this.#closed || this.#ended) return;
    this.#ended = true;
    if (!this.#serving) {
      this.frame(END, new Uint8Array(0));
      return;
    }
    this.frame(STATUS, bytesOf(JSON.stringify(status)));
    this.#connection?.end();
    this.#close(status);
  }

  pause(): void {
    this.#connection?.pause();
  }

  resume(): void {
    this.#connection?.resume();
  }

  destroy(): void {
    this.#fail(CANCELLED);
  }

  frame(type: number, payload: Uint8Array): void {
    if (this.#closed || this.#connection === null) return;
    const prefix = new Uint8Array(PREFIX_BYTES);
    prefix[0] = type;
    new DataView(prefix.buffer).setUint32(1, payload.length);
    this.#connection.write(prefix, 0, PREFIX_BYTES);
    this.#connection.write(payload, 0, payload.length);
  }

  onOpen(): void {}

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    this.#parts = Buffer.concat([this.#parts, bytes.subarray(start, end)]);
    while (!this.#closed && this.#parts.length >= PREFIX_BYTES) {
      const length = new DataView(this.#parts.buffer, this.#parts.byteOffset).getUint32(1);
      if (this.#parts.length < PREFIX_BYTES + length) return;
      const payload = this.#parts.slice(PREFIX_BYTES, PREFIX_BYTES + length);
      const type = this.#parts[0] ?? 0;
      this.#parts = this.#parts.slice(PREFIX_BYTES + length);
      this.#onFrame(type, new Uint8Array(payload));
    }
  }

  onDrained(): void {
    if (!this.#closed) this.handler?.onWritable();
  }

  onEnd(): void {
    if (!this.#closed) this.#fail({ code: UNAVAILABLE, message: 'connection: closed by the peer' });
  }

  onClose(reason: string): void {
    this.#close({ code: UNAVAILABLE, message: reason === '' ? 'connection: closed by the peer' : reason });
  }

  #onFrame(type: number, payload: Uint8Array): void {
    if (type === PATH) this.#onPath(textOf(payload));
    else if (type === MESSAGE) this.handler?.onMessage(payload);
    else if (type === END) this.end();
    else if (type === PING) this.frame(PONG, payload);
    else if (type === PONG) this.#pingLater();
    else if (type === STATUS) {
      this.#connection?.end();
      this.#close(JSON.parse(textOf(payload)) as RpcStatus);
    }
  }

  #onPath(path: string): void {
    const accept = this.#accept;
    this.#accept = null;
    if (accept === null) return;
    const answer = accept(path, this.#connection?.info.tls?.peer ?? null);
    if ('code' in answer) this.end(answer);
    else this.handler = answer;
  }

  #pingLater(): void {
    this.#cancelPing();
    this.#cancelPing = this.#clock.wake(this.#clock.now() + PING_INTERVAL_MS, () => {
      this.frame(PING, new Uint8Array(0));
      this.#cancelPing = this.#clock.wake(this.#clock.now() + PING_TIMEOUT_MS, () => {
        this.#fail({ code: UNAVAILABLE, message: 'connection: no answer to a keep-alive ping' });
      });
    });
  }

  #fail(status: RpcStatus): void {
    if (this.#closed) return;
    this.#close(status);
    this.#connection?.destroy(status.message);
  }

  #close(status: RpcStatus): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelPing();
    this.onGone();
    this.handler?.onClose(status);
  }
}

const IGNORE: ConnectionHandler = { onOpen() {}, onBytes() {}, onDrained() {}, onEnd() {}, onClose() {} };
