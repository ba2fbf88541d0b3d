/** One bootstrap with every operator in its access logs, run by our proxy and by Envoy: the same requests, the same lines. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type RequestListener, request as httpRequest, type Server } from 'node:http';
import { createServer as createSecureServer, request as secureRequest } from 'node:https';
import { type AddressInfo, connect, createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { TlsIdentity } from '../../src/core/runtime.ts';
import { createAuthority } from '../../src/runtime/test/certificates.ts';
import { missing } from '../support/components.ts';
import { FILTERS, loggingBootstrap, OPERATORS, VOLATILE } from './access-log-bootstrap.ts';
import { type RunningEnvoy, startEnvoy, startWeftProxy } from './running.ts';

type Kind = 'envoy' | 'weft';
const KINDS: readonly Kind[] = ['envoy', 'weft'];

interface Asked {
  readonly name: string;
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string;
  /** What the client presents; unset: it speaks clear text. */
  readonly identity?: TlsIdentity;
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
];

const answer: RequestListener = (request, response) => {
  request.resume();
  if (request.url?.includes('late') === true) return;
  if (request.url?.includes('cut') === true) return void request.socket.destroy();
  const status = request.url?.includes('failing') === true ? 503 : 200;
  response.writeHead(status, { 'x-up': 'a"b\\c', 'content-type': 'text/plain', trailer: 'x-t' });
  response.write('hello');
  response.addTrailers({ 'x-t': 'end' });
  request.on('end', () => response.end());
};

async function listening<T extends TcpServer>(server: T): Promise<T> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function portOf(server: TcpServer): number {
  return (server.address() as AddressInfo).port;
}

function ask(port: number, { name, method = 'GET', path, headers = {}, body = '', identity }: Asked): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', method, path, headers: { ...headers, 'x-name': name } };
    const request =
      identity === undefined
        ? httpRequest(options)
        : secureRequest({
            ...options,
            cert: identity.certificateChainPem,
            key: identity.privateKeyPem,
            ca: identity.trustBundlePem,
            servername: 'app.example',
          });
    request.on('error', reject);
    request.on('response', (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    request.end(body);
  });
}

/** What the listener of a connection of HTTP, or of none, does not know here. */
const UNTOLD: Readonly<Record<string, Readonly<Record<string, null>>>> = {
  'listener-http': { '%BYTES_RECEIVED%': null, '%PROTOCOL%': null, '%STREAM_ID%': null },
  'listener-none': { '%STREAM_ID%': null },
};

/** Says something, until the other end closes, or resets. */
function raw(port: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {}).on('close', () => resolve());
    socket.resume().end('ping');
  });
}

describe('access logs of Weft’s proxy and of Envoy', { skip: missing('envoy') }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-log-'));
  const pathOf = (kind: Kind, log: string): string => join(folder, `${kind}-${log}.log`);
  const proxies = new Map<Kind, RunningEnvoy>();
  let http: Server | null = null;
  let secure: TcpServer | null = null;
  const tcp = createTcpServer((socket) => socket.on('error', () => {}).end('hello'));

  before(async () => {
    const authority = await createAuthority('test roots');
    const identity = await authority.issue({
      commonName: 'shop/web',
      uris: ['spiffe://td/ns/shop/sa/web', 'https://b.example'],
      dnsNames: ['app.example', 'b.example'],
    });
    http = await listening(createServer(answer));
    const { certificateChainPem: cert, privateKeyPem: key, trustBundlePem: ca } = identity;
    secure = await listening(createSecureServer({ cert, key, ca, requestCert: true }, answer));
    await listening(tcp);
    const ports = { http: portOf(http), secure: portOf(secure), tcp: portOf(tcp) };
    for (const kind of KINDS) {
      const start = kind === 'envoy' ? startEnvoy : startWeftProxy;
      proxies.set(kind, await start(loggingBootstrap(ports, identity, (log) => pathOf(kind, log))));
    }
    for (const proxy of proxies.values()) {
      // By these a runtime filter samples.
      const idOf = (i: number): string => `${String(i * 13).padStart(8, '0')}-0000-4000-8000-000000000000`;
      for (const [i, { headers, ...asked }] of REQUESTS.entries()) {
        await ask(proxy.ports.get('http') ?? 0, { ...asked, headers: { 'x-request-id': idOf(i), ...headers } });
      }
      const headers = { 'x-request-id': idOf(REQUESTS.length) };
      await ask(proxy.ports.get('secure') ?? 0, { name: 'secure', path: '/secure/x', identity, headers });
      for (const name of ['tcp', 'logged-tcp', 'unmatched']) await raw(proxy.ports.get(name) ?? 0);
      await ask(proxy.ports.get('logged-http') ?? 0, {
        name: 'logged',
        path: '/direct',
        headers: { connection: 'close' },
      });
    }
    // What is buffered is written before they end.
    for (const proxy of proxies.values()) await proxy.stop();
  });
  after(async () => {
    for (const proxy of proxies.values()) await proxy.stop();
    http?.closeAllConnections();
    http?.close();
    secure?.close();
    tcp.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Envoy makes a file before there is a line. */
  const linesOf = (kind: Kind, log: string): readonly string[] =>
    existsSync(pathOf(kind, log)) ? readFileSync(pathOf(kind, log), 'utf8').trim().split('\n') : [''];

  const json = (kind: Kind, log: string): ReadonlyMap<string, Record<string, unknown>> =>
    new Map(
      linesOf(kind, log).map((line) => {
        const object = JSON.parse(line) as Record<string, unknown>;
        return [String(object['%REQ(X-NAME)%']), object];
      }),
    );

  for (const { name } of [...REQUESTS, { name: 'secure' }]) {
    test(`each operator says the same of a request that is ${name}`, () => {
      const [envoy, weft] = KINDS.map((kind) => json(kind, 'json').get(name));
      assert.ok(envoy !== undefined && weft !== undefined);
      assert.deepEqual(steady(weft), steady(envoy));
    });
  }

  for (const log of ['nested', 'omit', 'old', 'text', 'gaps']) {
    test(`the lines of ${log} are the same`, () => {
      assert.deepEqual(linesOf('weft', log), linesOf('envoy', log));
      assert.equal(linesOf('weft', log).length, REQUESTS.length + 1);
    });
  }

  test('without a format it is Envoy’s, in which only times, ports and made-up ids differ', () => {
    const forms = (kind: Kind): readonly string[] => linesOf(kind, 'default').map((line) => formOf(line));
    assert.deepEqual(forms('weft'), forms('envoy'));
    assert.match(
      linesOf('weft', 'default')[0] ?? '',
      /"POST \/up\/x\?q=1%202&r=2 HTTP\/1.1" 200 - 5 5 \d+ \d+ "-" "test" /,
    );
  });

  for (const filter of Object.keys(FILTERS)) {
    test(`the filter ${filter} lets the same requests through`, () => {
      assert.deepEqual(linesOf('weft', `filter-${filter}`), linesOf('envoy', `filter-${filter}`));
    });
  }

  for (const log of ['tcp', 'listener-tcp', 'listener-http', 'listener-none']) {
    test(`a connection has a line in ${log}`, () => {
      const [envoy, weft] = KINDS.map((kind) => {
        const [line = '{}', ...more] = linesOf(kind, log);
        assert.deepEqual(more, []);
        return JSON.parse(line) as Record<string, unknown>;
      });
      assert.ok(envoy !== undefined && weft !== undefined);
      const [ours, theirs] = [weft, envoy].map((line) => steady({ ...line, ...UNTOLD[log] }));
      assert.deepEqual(ours, theirs);
    });
  }

  test('a file is made as Envoy makes it', () => {
    assert.equal(statSync(pathOf('weft', 'json')).mode, statSync(pathOf('envoy', 'json')).mode);
  });
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
