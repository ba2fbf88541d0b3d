/** One POST of JSON over HTTP/1.1 and its answer: what polling a REST server of xDS takes, and nothing more. */
import { bytesOf, textOf } from '../../core/bytes.ts';
import type { Connection, Net, RpcTarget } from '../../core/runtime.ts';
import { Timer, type Timers } from '../../core/timer-wheel.ts';
import { Http1Client, type Http1ClientCallbacks } from '../../http/h1/client.ts';
import { DEFAULT_HTTP1_LIMITS } from '../../http/h1/limits.ts';
import { CONTENT_TYPE } from '../../http/field-name.ts';
import { Head } from '../../http/head.ts';
import type { MessageReceiver, Stream } from '../../http/message.ts';

export interface RestAnswer {
  /** 0: there was none, and `text` says why. */
  readonly status: number;
  readonly text: string;
}

export interface RestCallOptions {
  readonly net: Net;
  readonly timers: Timers;
  readonly target: RpcTarget;
  /** `Host`. */
  readonly authority: string;
  readonly path: string;
  readonly body: string;
  /** Of the whole exchange. */
  readonly timeoutMs: number;
  /** Once, and not before the constructor has returned. */
  readonly done: (answer: RestAnswer) => void;
}

/** Of an answer; a whole configuration of a large proxy has a few. */
const MAX_BYTES = 64 << 20;

export class RestCall extends Timer implements MessageReceiver, Http1ClientCallbacks {
  readonly #options: RestCallOptions;
  readonly #client: Http1Client;
  readonly #chunks: Uint8Array[] = [];
  #connection: Connection;
  #stream: Stream | null = null;
  #status = 0;
  #length = 0;
  #isDone = false;

  constructor(options: RestCallOptions) {
    super();
    this.#options = options;
    const { net, target, timers } = options;
    this.#client = new Http1Client({ limits: DEFAULT_HTTP1_LIMITS, callbacks: this });
    const { tls } = target;
    if (tls === null) {
      this.#connection = net.connect(target.address, this.#client);
    } else {
      const plain = net.connect(target.address, {
        onOpen: () => {
          this.#connection = net.secure(plain, { ...tls, alpn: ['http/1.1'], alpnOptional: true }, this.#client);
          this.#client.attach(this.#connection);
          this.#send();
        },
        onBytes: () => {},
        onDrained: () => {},
        onEnd: () => {},
        onClose: (reason) => this.#end(0, reason),
      });
      this.#connection = plain;
    }
    timers.arm(this, options.timeoutMs);
    if (tls !== null) return;
    this.#client.attach(this.#connection);
    this.#send();
  }

  cancel(): void {
    this.#isDone = true;
    this.#options.timers.disarm(this);
    this.#connection.destroy('no longer needed');
  }

  override fire(): void {
    this.#end(0, `no answer within ${this.#options.timeoutMs} ms`);
  }

  onHead(head: Head, last: boolean): void {
    if (head.status >= 200) this.#status = head.status;
    head.free();
    if (last) this.#end(this.#status, '');
  }

  onData(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    this.#length += end - start;
    if (this.#length > MAX_BYTES) return this.#end(0, `an answer of more than ${MAX_BYTES >> 20} MiB`);
    this.#chunks.push(bytes.slice(start, end));
    this.#stream?.release(end - start);
    if (last) this.#end(this.#status, textOf(Buffer.concat(this.#chunks)));
  }

  onTrailers(fields: Head): void {
    fields.free();
    this.#end(this.#status, textOf(Buffer.concat(this.#chunks)));
  }

  onWritable(): void {}

  onReset(): void {
    this.#end(0, 'the connection ended before the answer');
  }

  onConnected(): void {}
  onIdle(): void {}
  onLimit(): void {}

  onGone(): void {
    this.#end(0, 'the connection was closed');
  }

  #send(): void {
    const { authority, path, body } = this.#options;
    const bytes = bytesOf(body);
    const head = Head.request('POST', path, authority);
    head.contentLength = bytes.length;
    head.appendText(CONTENT_TYPE, 'application/json');
    const stream = this.#client.open(this);
    this.#stream = stream;
    stream.sendHead(head, false);
    stream.sendData(bytes, 0, bytes.length, true);
    head.free();
  }

  #end(status: number, text: string): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#options.timers.disarm(this);
    this.#options.done({ status, text });
    this.#connection.destroy('');
  }
}
