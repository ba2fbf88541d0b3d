/** What the agent asks of Envoy's admin endpoint on loopback. */
import { WeftError } from '../../core/errors.ts';
import type { Address, Clock, Net } from '../../core/runtime.ts';
import { CONTENT_LENGTH } from '../../http/field-name.ts';
import { Http1Client } from '../../http/h1/client.ts';
import { DEFAULT_HTTP1_LIMITS } from '../../http/h1/limits.ts';
import { Head } from '../../http/head.ts';

const TIMEOUT_MS = 2_000;
const MAX_ANSWER_BYTES = 4 << 20;

interface AdminAnswer {
  readonly status: number;
  readonly body: string;
}

export class AdminClient {
  readonly #net: Net;
  readonly #clock: Clock;
  readonly #at: Address;

  constructor(net: Net, clock: Clock, at: Address) {
    this.#net = net;
    this.#clock = clock;
    this.#at = at;
  }

  /** All listeners of the first configuration are bound and have what they need. */
  async isReady(): Promise<boolean> {
    return (await this.#ask('GET', '/ready')).status === 200;
  }

  /** Sum of the gauges and counters whose names match. `filter`: a regular expression in Envoy's dialect (RE2). */
  async sum(filter: string): Promise<number> {
    const { body } = await this.#ask('GET', `/stats?filter=${encodeURIComponent(filter)}`);
    return body.split('\n').reduce((sum, line) => sum + Number(/: (\d+)$/.exec(line)?.[1] ?? 0), 0);
  }

  /** From now on responses end their connections, and whoever asks about its health is told no. */
  async failHealthChecks(): Promise<void> {
    await this.#ask('POST', '/healthcheck/fail');
  }

  /** Inbound listeners drain and close after the drain time; the way out stays open. */
  async drainInbound(): Promise<void> {
    await this.#ask('POST', '/drain_listeners?inboundonly&graceful&skip_exit');
  }

  /** On a connection of its own. Rejects with `unavailable` when nobody answers. */
  #ask(method: 'GET' | 'POST', path: string): Promise<AdminAnswer> {
    const { host, port } = this.#at;
    const { promise, resolve, reject } = Promise.withResolvers<AdminAnswer>();
    const parts: Buffer[] = [];
    let size = 0;
    let status = 0;
    const fail = (reason: string): void => {
      const where = `${host}:${port}`;
      reject(new WeftError('unavailable', { what: `Envoy’s admin endpoint does not answer: ${reason}`, where }));
      client.connection?.destroy(reason);
    };
    const succeed = (): void => {
      resolve({ status, body: Buffer.concat(parts).toString('utf8') });
      client.close();
    };
    const callbacks = { onConnected() {}, onIdle() {}, onGone: (_: Http1Client, reason: string) => fail(reason) };
    const client = new Http1Client({ limits: DEFAULT_HTTP1_LIMITS, callbacks });
    client.attach(this.#net.connect(this.#at, client));
    const stream = client.open({
      onHead(head, last) {
        ({ status } = head);
        head.free();
        if (last) succeed();
      },
      onData(bytes, start, end, last) {
        size += end - start;
        if (size > MAX_ANSWER_BYTES) return fail('its answer is too long');
        parts.push(Buffer.from(bytes.subarray(start, end)));
        stream.release(end - start);
        if (last) succeed();
      },
      onTrailers(fields) {
        fields.free();
        succeed();
      },
      onWritable() {},
      onReset: () => fail('the connection ended'),
    });
    const head = Head.request(method, path, `${host}:${port}`);
    if (method === 'POST') head.appendText(CONTENT_LENGTH, '0');
    stream.sendHead(head, true);
    head.free();
    const cancel = this.#clock.wake(this.#clock.now() + TIMEOUT_MS, () => fail('timeout'));
    return promise.finally(cancel);
  }
}
