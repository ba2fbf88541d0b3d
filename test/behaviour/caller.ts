/** The application beside a proxy: it asks a service and tells what came back, and what the back end had seen. */
import { Agent, request } from 'node:http';
import type { Backends, Seen } from './backends.ts';

export interface Ask {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  /** Empty: the proxy answered by itself. */
  readonly endpoint: string;
  readonly tookMs: number;
  readonly seen: Seen | null;
}

const LIMIT_MS = 10_000;
let runs = 0;

export class ServiceCaller {
  /** Back ends tell requests of different callers apart by it. */
  readonly run = `run-${runs++}`;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #portOf: (service: string) => number;
  readonly #backends: Backends;

  constructor(portOf: (service: string) => number, backends: Backends) {
    this.#portOf = portOf;
    this.#backends = backends;
  }

  ask(service: string, { path = '/', method = 'GET', headers = {} }: Ask = {}): Promise<Answer> {
    const startedAt = performance.now();
    const port = this.#portOf(service);
    const all = { host: service, 'x-run': this.run, 'content-length': '0', ...headers };
    return new Promise((resolve, reject) => {
      const sent = request({
        host: '127.0.0.1',
        port,
        path,
        method,
        headers: all,
        agent: this.#agent,
        timeout: LIMIT_MS,
      });
      sent.on('timeout', () => sent.destroy(new Error(`${service} does not answer`)));
      sent.on('error', reject);
      sent.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', () => {
          const seen = text.startsWith('{') ? (JSON.parse(text) as Seen) : null;
          const tookMs = performance.now() - startedAt;
          resolve({ status: response.statusCode ?? 0, endpoint: seen?.endpoint ?? '', tookMs, seen });
        });
      });
      sent.end();
    });
  }

  /** One after the other. */
  async askTimes(count: number, service: string, ask: Ask = {}): Promise<Answer[]> {
    const answers: Answer[] = [];
    for (let i = 0; i < count; i += 1) answers.push(await this.ask(service, ask));
    return answers;
  }

  /** How many requests of this caller the back ends of a service have seen. */
  tries(service: string): number {
    return this.#backends.tries(service, this.run);
  }

  close(): void {
    this.#agent.destroy();
  }
}

export function countsOf(answers: readonly Answer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { endpoint, status } of answers) {
    const key = endpoint || String(status);
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}
