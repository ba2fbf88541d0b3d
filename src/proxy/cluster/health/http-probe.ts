/** A request over HTTP/1.1 whose status is the answer. A status that was not expected is decisive, as in Envoy. */
import type { Connection } from '../../../core/runtime.ts';
import { CONTENT_LENGTH, FieldName } from '../../../http/field-name.ts';
import { Http1Client, type Http1ClientCallbacks } from '../../../http/h1/client.ts';
import { DEFAULT_HTTP1_LIMITS } from '../../../http/h1/limits.ts';
import { Head } from '../../../http/head.ts';
import { type MessageReceiver, RESET, type Stream } from '../../../http/message.ts';
import type { HttpProbeConfig } from '../../../snapshot/health-check-config.ts';
import { Dial, type DialOwner, type DialTarget } from '../dial.ts';
import type { Probe } from './probe.ts';
import type { ProbeParts } from './tcp-probe.ts';

const USER_AGENT = new FieldName('user-agent');

export class HttpProbe implements Probe, DialOwner, Http1ClientCallbacks, MessageReceiver {
  readonly #config: HttpProbeConfig;
  readonly #authority: string;
  readonly #reuse: boolean;
  readonly #parts: ProbeParts;
  readonly #names: readonly FieldName[];
  #dial: Dial | null = null;
  #client: Http1Client | null = null;
  #stream: Stream | null = null;
  #isAsking = false;

  constructor(config: HttpProbeConfig, authority: string, reuse: boolean, parts: ProbeParts) {
    this.#config = config;
    this.#authority = authority;
    this.#reuse = reuse;
    this.#parts = parts;
    this.#names = config.headers.map(({ name }) => new FieldName(name));
  }

  run(target: DialTarget): void {
    this.#isAsking = true;
    if (this.#client?.idle) return this.#ask(this.#client);
    this.#dial = new Dial(this.#parts.dialer, this, target);
    this.#dial.start(this.#parts.connectTimeoutMs);
  }

  cancel(): void {
    this.#isAsking = false;
    this.#dial?.cancel();
    this.#dial = null;
    this.#stream?.reset(RESET.cancelled);
    this.#stream = null;
    this.#client?.close();
    this.#client = null;
  }

  dialed(_dial: Dial, connection: Connection): void {
    this.#dial = null;
    const client = new Http1Client({ limits: DEFAULT_HTTP1_LIMITS, callbacks: this });
    this.#client = client;
    client.attach(connection);
    client.onOpen();
    this.#ask(client);
  }

  dialFailed(_dial: Dial, reason: string): void {
    this.#dial = null;
    this.#answer(reason, false);
  }

  onConnected(): void {}

  onIdle(client: Http1Client): void {
    if (!this.#reuse) client.close();
  }

  onGone(client: Http1Client): void {
    if (client === this.#client) this.#client = null;
  }

  onHead(head: Head, last: boolean): void {
    const { status } = head;
    head.free();
    if (status < 200) return;
    const isExpected = this.#config.expected.some(({ from, to }) => status >= from && status < to);
    const stream = this.#stream;
    this.#stream = null;
    if (!last) stream?.discard();
    this.#answer(isExpected ? '' : `status ${status}`, !isExpected);
  }

  onData(_bytes: Uint8Array, start: number, end: number): void {
    this.#stream?.release(end - start);
  }

  onTrailers(fields: Head): void {
    fields.free();
  }

  onWritable(): void {}

  onReset(): void {
    this.#stream = null;
    this.#answer('the connection ended before the answer', false);
  }

  #ask(client: Http1Client): void {
    const { method, path, headers } = this.#config;
    const head = Head.request(method, path, this.#authority);
    head.appendText(USER_AGENT, 'weft-health-check');
    this.#names.forEach((name, i) => head.setText(name, headers[i]?.value ?? ''));
    if (method === 'POST' || method === 'PUT' || method === 'PATCH') head.appendText(CONTENT_LENGTH, '0');
    this.#stream = client.open(this);
    this.#stream.sendHead(head, true);
    head.free();
  }

  #answer(fault: string, decisive: boolean): void {
    if (!this.#isAsking) return;
    this.#isAsking = false;
    this.#parts.owner.probed(fault, decisive);
  }
}
