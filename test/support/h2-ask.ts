/** Requests over our HTTP/2 client and the real network, to servers that we did not write. */
import { HIGH_WATER, type Runtime } from '../../src/core/runtime.ts';
import { TimerWheel } from '../../src/core/timer-wheel.ts';
import { Http2Client } from '../../src/http/h2/client.ts';
import { DEFAULT_HTTP2_LIMITS, type Http2Limits } from '../../src/http/h2/limits.ts';
import { Head } from '../../src/http/head.ts';
import type { MessageReceiver, ResetReason, Stream } from '../../src/http/message.ts';

export interface Answer {
  readonly status: number;
  readonly fields: ReadonlyMap<string, string>;
  readonly body: Buffer;
  readonly trailers: ReadonlyMap<string, string>;
}

export interface Asker {
  readonly client: Http2Client;
  /** Rejects with the reason when the stream is reset. */
  ask(path: string, body?: Buffer | null, method?: string): Promise<Answer>;
  close(): void;
}

export function connectH2(runtime: Runtime, port: number, limits: Partial<Http2Limits> = {}): Asker {
  const client = new Http2Client({
    limits: { ...DEFAULT_HTTP2_LIMITS, ...limits },
    timers: new TimerWheel(runtime.clock),
    clock: runtime.clock,
    callbacks: { onRoom() {}, onDraining() {}, onGone() {}, onLimit() {} },
  });
  const connection = runtime.net.connect({ host: '127.0.0.1', port }, client);
  client.attach(connection);
  return {
    client,
    ask: (path, body = null, method = body === null ? 'GET' : 'POST') =>
      new Promise((done, failed) => {
        const exchange = new Exchange(done, failed, body);
        const stream = client.open(exchange);
        const head = Head.request(method, path, `127.0.0.1:${port}`);
        if (body !== null) head.contentLength = body.length;
        exchange.send(stream, head);
        head.free();
      }),
    close: () => connection.destroy('test over'),
  };
}

class Exchange implements MessageReceiver {
  readonly #done: (answer: Answer) => void;
  readonly #failed: (error: Error) => void;
  readonly #body: Buffer | null;
  readonly #parts: Buffer[] = [];
  #stream: Stream | null = null;
  #sentBytes = 0;
  #status = 0;
  #fields: ReadonlyMap<string, string> = new Map();

  constructor(done: (answer: Answer) => void, failed: (error: Error) => void, body: Buffer | null) {
    this.#done = done;
    this.#failed = failed;
    this.#body = body;
  }

  send(stream: Stream, head: Head): void {
    this.#stream = stream;
    stream.sendHead(head, this.#body === null);
    if (this.#body !== null) this.onWritable();
  }

  onHead(head: Head, last: boolean): void {
    if (head.status >= 200) {
      this.#status = head.status;
      this.#fields = textsOf(head);
    }
    head.free();
    if (last) this.#finish(new Map());
  }

  onData(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    this.#parts.push(Buffer.from(bytes.subarray(start, end)));
    this.#stream?.release(end - start);
    if (last) this.#finish(new Map());
  }

  onTrailers(fields: Head): void {
    const trailers = textsOf(fields);
    fields.free();
    this.#finish(trailers);
  }

  /** As much as the stream wants, in pieces. */
  onWritable(): void {
    const stream = this.#stream;
    const body = this.#body;
    if (stream === null || body === null) return;
    while (this.#sentBytes < body.length && stream.unsent <= HIGH_WATER) {
      const end = Math.min(this.#sentBytes + 30_000, body.length);
      const start = this.#sentBytes;
      this.#sentBytes = end;
      stream.sendData(body, start, end, end === body.length);
    }
  }

  onReset(reason: ResetReason): void {
    this.#failed(new Error(`reset ${reason}`));
  }

  #finish(trailers: ReadonlyMap<string, string>): void {
    this.#done({ status: this.#status, fields: this.#fields, body: Buffer.concat(this.#parts), trailers });
  }
}

function textsOf(head: Head): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (let i = 0; i < head.count; i++) texts.set(head.nameText(i), head.text(i));
  return texts;
}
