/** What the agent asks of Envoy's admin endpoint on loopback. */
import { request } from 'node:http';
import { WeftError } from '../../core/errors.ts';
import type { Address } from '../../core/runtime.ts';

const TIMEOUT_MS = 2_000;
const MAX_ANSWER_BYTES = 4 << 20;

export class AdminClient {
  readonly #at: Address;

  constructor(at: Address) {
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

  /** Rejects with `unavailable` when nobody answers. */
  #ask(method: string, path: string): Promise<{ readonly status: number; readonly body: string }> {
    const { host, port } = this.#at;
    return new Promise((resolve, reject) => {
      const fail = (cause: unknown): void =>
        reject(
          new WeftError('unavailable', {
            what: 'Envoy’s admin endpoint does not answer',
            where: `${host}:${port}`,
            cause,
          }),
        );
      const asked = request({ host, port, method, path, agent: false, timeout: TIMEOUT_MS }, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (text: string) => {
          body += text;
          if (body.length > MAX_ANSWER_BYTES) asked.destroy(new Error('its answer is too long'));
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
        response.on('error', fail);
      });
      asked.on('timeout', () => asked.destroy(new Error('timeout')));
      asked.on('error', fail);
      asked.end();
    });
  }
}
