/**
 * A server over our HTTP/2 codec and the real network, for programs that we did not write: what comes is sent back,
 * trailers too, and a request without content gets a line.
 */
import type { Listener, Runtime, TlsIdentity } from '../../src/core/runtime.ts';
import { HIGH_WATER } from '../../src/core/runtime.ts';
import { CallbackTimer, TimerWheel } from '../../src/core/timer-wheel.ts';
import { Head } from '../../src/http/head.ts';
import type { MessageReceiver } from '../../src/http/message.ts';
import { DEFAULT_HTTP2_LIMITS, type Http2Limits } from '../../src/http/h2/limits.ts';
import { Http2Server, type Http2ServerCallbacks } from '../../src/http/h2/server.ts';
import type { Http2ServerStream } from '../../src/http/h2/server-stream.ts';

export const GREETING = 'served over HTTP/2\n';
const greeting = Buffer.from(GREETING);

export interface EchoOptions {
  /** Null: clear text, by prior knowledge. */
  readonly identity?: TlsIdentity | null;
  readonly port?: number;
  /** How late a request without content is answered. */
  readonly delayMs?: number;
  readonly limits?: Partial<Http2Limits>;
}

export interface Echo {
  readonly listener: Listener;
  /** Bounds that fired. */
  readonly limits: string[];
  /** With all connections. */
  close(): Promise<void>;
}

export async function serveEcho(runtime: Runtime, options: EchoOptions = {}): Promise<Echo> {
  const timers = new TimerWheel(runtime.clock);
  const limits: string[] = [];
  const servers = new Set<Http2Server>();
  const serve = (connection: ConstructorParameters<typeof Http2Server>[0]): Http2Server => {
    const callbacks: Http2ServerCallbacks = {
      open: (stream) => new EchoReceiver(stream, timers, options.delayMs ?? 0),
      onRefused() {},
      onLimit: (name) => limits.push(name),
      onClosed: () => servers.delete(server),
    };
    const server = new Http2Server(connection, {
      limits: { ...DEFAULT_HTTP2_LIMITS, ...options.limits },
      timers,
      clock: runtime.clock,
      callbacks,
    });
    servers.add(server);
    return server;
  };
  const identity = options.identity ?? null;
  const listener = await runtime.net.listen({ host: '127.0.0.1', port: options.port ?? 0 }, (connection) => {
    if (identity === null) return serve(connection);
    const tls = {
      role: 'server',
      identity,
      alpn: ['h2'],
      serverName: null,
      requirePeerCertificate: false,
      verifyPeer: null,
    } as const;
    const waits = {
      onOpen: () => void serve(secured),
      onBytes() {},
      onDrained() {},
      onEnd() {},
      onClose() {},
    };
    const secured = runtime.net.secure(connection, tls, waits);
    return waits;
  });
  const close = (): Promise<void> => {
    for (const server of servers) server.connection.destroy('test over');
    return listener.close();
  };
  return { listener, limits, close };
}

class EchoReceiver implements MessageReceiver {
  readonly #stream: Http2ServerStream;
  readonly #timer: CallbackTimer;
  readonly #timers: TimerWheel;
  readonly #delayMs: number;
  #owed = 0;

  constructor(stream: Http2ServerStream, timers: TimerWheel, delayMs: number) {
    this.#stream = stream;
    this.#timers = timers;
    this.#delayMs = delayMs;
    this.#timer = new CallbackTimer(() => this.#answer());
  }

  onHead(head: Head, last: boolean): void {
    head.free();
    if (!last) this.#begin(-1);
    else if (this.#delayMs > 0) this.#timers.arm(this.#timer, this.#delayMs);
    else this.#answer();
  }

  onData(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    this.#stream.sendData(bytes, start, end, last);
    this.#owed += end - start;
    if (!last && this.#stream.unsent <= HIGH_WATER) this.onWritable();
  }

  onTrailers(fields: Head): void {
    this.#stream.sendTrailers(fields);
    fields.free();
  }

  onWritable(): void {
    const owed = this.#owed;
    this.#owed = 0;
    this.#stream.release(owed);
  }

  onReset(): void {
    this.#timers.disarm(this.#timer);
  }

  #answer(): void {
    this.#begin(greeting.length);
    this.#stream.sendData(greeting, 0, greeting.length, true);
  }

  #begin(contentLength: number): void {
    const head = Head.response(200);
    head.contentLength = contentLength;
    this.#stream.sendHead(head, false);
    head.free();
  }
}
