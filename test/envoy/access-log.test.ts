/** One bootstrap with every operator in its access logs, run by our proxy and by Envoy: the same requests, the same lines. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { missing } from '../support/components.ts';
import { loggingBootstrap, OPERATORS, VOLATILE } from './access-log-bootstrap.ts';
import { type RunningEnvoy, startEnvoy, startWeftProxy } from './running.ts';

type Kind = 'envoy' | 'weft';
const KINDS: readonly Kind[] = ['envoy', 'weft'];

interface Asked {
  readonly name: string;
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string;
}

/** `name` goes along in a field, so that a line is found again. */
const REQUESTS: readonly Asked[] = [
  {
    name: 'forwarded',
    method: 'POST',
    path: '/up/x?q=1%202&r=2',
    headers: { 'x-a': 'va"l', 'x-two': ['one', 'two'], 'user-agent': 'test' },
    body: 'body!',
  },
  { name: 'direct', path: '/direct' },
  { name: 'redirect', path: '/redirect' },
  { name: 'no-host', path: '/none' },
  { name: 'no-route', path: '/zzz' },
  { name: 'refused', path: '/refused' },
  { name: 'late', path: '/late' },
  { name: 'failing', path: '/failing' },
  // No method that may be tried again when a kept-alive connection is closed.
  { name: 'cut', method: 'POST', path: '/cut', body: 'once' },
  { name: 'trailers', path: '/up/trailers', headers: { te: 'trailers' } },
  { name: 'sampled', path: '/up/s', headers: { 'x-request-id': '00000001-0000-4000-8000-000000000000' } },
  { name: 'unsampled', path: '/up/s', headers: { 'x-request-id': '00000063-0000-4000-8000-000000000000' } },
];

function backend(): Promise<Server> {
  const server = createServer((request, response) => {
    request.resume();
    if (request.url?.includes('late') === true) return;
    if (request.url?.includes('cut') === true) return void request.socket.destroy();
    const status = request.url?.includes('failing') === true ? 503 : 200;
    response.writeHead(status, { 'x-up': 'a"b\\c', 'content-type': 'text/plain', trailer: 'x-t' });
    response.write('hello');
    response.addTrailers({ 'x-t': 'end' });
    request.on('end', () => response.end());
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

function ask(port: number, { name, method = 'GET', path, headers = {}, body = '' }: Asked): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ port, host: '127.0.0.1', method, path, headers: { ...headers, 'x-name': name } });
    request.on('error', reject);
    request.on('response', (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    request.end(body);
  });
}

describe('access logs of Weft’s proxy and of Envoy', { skip: missing('envoy') }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-log-'));
  const pathOf = (kind: Kind, log: string): string => join(folder, `${kind}-${log}.log`);
  const proxies = new Map<Kind, RunningEnvoy>();
  let http: Server | null = null;
  const tcp = createTcpServer((socket) => socket.on('error', () => {}).end('hello'));

  before(async () => {
    http = await backend();
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
    const ports = { http: (http.address() as AddressInfo).port, tcp: (tcp.address() as AddressInfo).port };
    for (const kind of KINDS) {
      const start = kind === 'envoy' ? startEnvoy : startWeftProxy;
      proxies.set(kind, await start(loggingBootstrap(ports, (log) => pathOf(kind, log))));
    }
    for (const proxy of proxies.values()) {
      for (const asked of REQUESTS) await ask(proxy.ports.get('http') ?? 0, asked);
      await new Promise<void>((resolve, reject) => {
        const socket = connect(proxy.ports.get('tcp') ?? 0, '127.0.0.1');
        socket.on('error', reject).on('close', () => resolve());
        socket.resume().end('ping');
      });
    }
    // What is buffered is written before they end.
    for (const proxy of proxies.values()) await proxy.stop();
  });
  after(async () => {
    for (const proxy of proxies.values()) await proxy.stop();
    http?.closeAllConnections();
    http?.close();
    tcp.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const linesOf = (kind: Kind, log: string): readonly string[] =>
    readFileSync(pathOf(kind, log), 'utf8')
      .split('\n')
      .filter((line) => line !== '');

  const json = (kind: Kind, log: string): ReadonlyMap<string, Record<string, unknown>> =>
    new Map(
      linesOf(kind, log).map((line) => {
        const object = JSON.parse(line) as Record<string, unknown>;
        return [String(object['%REQ(X-NAME)%']), object];
      }),
    );

  for (const { name } of REQUESTS) {
    test(`each operator says the same of a request that is ${name}`, () => {
      const [envoy, weft] = KINDS.map((kind) => json(kind, 'json').get(name));
      assert.ok(envoy !== undefined && weft !== undefined);
      assert.deepEqual(steady(weft), steady(envoy));
    });
  }
});

/** Envoy says the same with `enable_trailers`, and after a bar what its transport has to say. */
const OTHERWISE = new Set(['%TRAILER(X-T)%']);

/** What differs from run to run keeps its type, and of a text its form: digits and letters do not count. */
function steady(line: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    OPERATORS.filter((operator) => !OTHERWISE.has(operator)).map((operator) => {
      const value = line[operator];
      const said = typeof value === 'string' ? value.replace(/\|[^|}]*}$/, '}') : value;
      return [operator, VOLATILE.has(operator) ? formOf(value) : said];
    }),
  );
}

function formOf(value: unknown): string {
  return typeof value === 'string'
    ? value.replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+|[a-z]+/gi, 'x')
    : typeof value;
}
