/** The application beside a proxy: it asks a service and tells what came back, and what the back end had seen. */
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
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
  readonly #httpProxyPort: number;
  readonly #backends: Backends;

  constructor(portOf: (service: string) => number, httpProxyPort: number, backends: Backends) {
    this.#portOf = portOf;
    this.#httpProxyPort = httpProxyPort;
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

  /** Says nothing and tells what the other end says first. */
  listen(service: string): Promise<string> {
    return new Promise((resolve, reject) => {
      let text = '';
      const socket = connect(this.#portOf(service), '127.0.0.1');
      socket.setTimeout(LIMIT_MS, () => socket.destroy(new Error(`${service} says nothing`)));
      socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      socket.on('error', reject);
      socket.on('end', () => {
        socket.destroy();
        resolve(text.trim());
      });
    });
  }

  /** As a program that knows its proxy: the status line, and the body. */
  byProxy(method: 'GET' | 'CONNECT', host: string): Promise<string> {
    const get = `GET /by-proxy HTTP/1.1\r\nhost: ${host}\r\nx-run: ${this.run}\r\nconnection: close\r\n\r\n`;
    return new Promise((resolve, reject) => {
      let text = '';
      const socket = connect(this.#httpProxyPort, '127.0.0.1');
      socket.setTimeout(LIMIT_MS, () => socket.destroy(new Error(`no answer of ${host}`)));
      socket.setEncoding('utf8').on('data', (chunk: string) => {
        const isFirst = text === '';
        text += chunk;
        if (method === 'CONNECT' && isFirst && / 200 /.test(chunk)) socket.write(get);
      });
      socket.on('error', reject);
      socket.on('close', () => resolve(text));
      socket.on('end', () => socket.destroy());
      if (method === 'GET') socket.write(get.replace('GET /', `GET http://${host}/`));
      else socket.write(`CONNECT ${host}:80 HTTP/1.1\r\nhost: ${host}:80\r\n\r\n`);
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
