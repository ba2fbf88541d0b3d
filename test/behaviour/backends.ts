/** Real back ends in this process. What they do is said by the request, or by what the endpoint is; they say who they are. */
import { createServer, type IncomingMessage, Server as HttpServer, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** `broken`: answers 500. `sick`: the same of its health alone. `dead`: nobody listens. `greets`: no HTTP, speaks first. */
export type Condition = 'well' | 'broken' | 'sick' | 'dead' | 'greets';

export interface Backend {
  readonly service: string;
  readonly name: string;
  readonly port: number;
}

/** A request as the back end saw it; what the client gets as JSON. */
export interface Seen {
  readonly endpoint: string;
  /** How many of this run have come to the service by now. */
  readonly tries: number;
  readonly headers: Readonly<Record<string, string>>;
}

export class Backends {
  readonly #servers: Server[] = [];
  /** By service and run: so many tries were made. */
  readonly #tries = new Map<string, number>();

  async start(service: string, name: string, condition: Condition): Promise<Backend> {
    const server =
      condition === 'greets'
        ? createTcpServer((socket) => socket.on('error', () => {}).end(`hello from ${name}\n`))
        : createServer((request, response) => void this.#answer(service, name, condition, request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    if (condition === 'dead') await new Promise((resolve) => server.close(resolve));
    else this.#servers.push(server);
    return { service, name, port };
  }

  tries(service: string, run: string): number {
    return this.#tries.get(`${service} ${run}`) ?? 0;
  }

  close(): void {
    for (const server of this.#servers) {
      if (server instanceof HttpServer) server.closeAllConnections();
      server.close();
    }
  }

  /** Headers: `x-fail: N` fails the first N tries of a run with 503, `x-status` with another; `x-delay` in milliseconds. */
  async #answer(
    service: string,
    endpoint: string,
    condition: Condition,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    request.resume();
    if (request.url === '/healthz') return void response.writeHead(condition === 'sick' ? 503 : 200).end();
    const key = `${service} ${String(request.headers['x-run'])}`;
    const tries = (this.#tries.get(key) ?? 0) + 1;
    this.#tries.set(key, tries);
    await sleep(Number(request.headers['x-delay'] ?? 0));
    const fails = tries <= Number(request.headers['x-fail'] ?? 0);
    const status = condition === 'broken' ? 500 : fails ? 503 : Number(request.headers['x-status'] ?? 200);
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ endpoint, tries, headers } satisfies Seen));
  }
}
