/** Bootstrap files as people write them, each run by the real Envoy and by `weft proxy -c`: the same requests, the same answers. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { createServer as createSecure, request as secureRequest } from 'node:https';
import { type AddressInfo, connect, type Server } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { parse } from 'yaml';
import { createAuthority } from '../../src/runtime/test/certificates.ts';
import { missing } from '../support/components.ts';
import { type RunningEnvoy, startEnvoy, startWeftProxy } from './running.ts';

interface Ask {
  readonly path: string;
  readonly host?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Over TLS, with this name. */
  readonly name?: string;
  readonly isHttp2?: boolean;
  readonly isWebSocket?: boolean;
  readonly maxVersion?: 'TLSv1.2';
}

const FILES: Readonly<Record<string, readonly Ask[]>> = {
  front: [
    { host: 'shop.example', path: '/cart', method: 'POST' },
    { host: 'shop.example', path: '/cart' },
    { host: 'shop.example:8080', path: '/cart?a=1' },
    { host: 'SHOP.example', path: '/x' },
    { host: 'shop.example', path: '/item/42' },
    { host: 'shop.example', path: '/item/x' },
    { host: 'shop.example', path: '/old/thing?q=1' },
    { host: 'shop.example', path: '/socket', isWebSocket: true },
    { host: 'a.sites.example', path: '/', headers: { 'x-internal': '1', 'x-tenant': 'mine' } },
    { host: 'sites.example', path: '/' },
    { host: 'api.example', path: '/v1/a?dry' },
    { host: 'api.example', path: '/v1/a' },
    { host: 'api.example', path: '/v2' },
    { host: 'nobody.example', path: '/deep/path?x=1' },
    { host: 'shop.example', path: '/x/..//%63art', method: 'POST' },
    { host: 'shop.example', path: '/item%2f42?from=%2f' },
    { host: 'shop.example', path: '/x%00' },
    { host: 'shop.example', path: '/x', headers: { x_user: '1' } },
    { host: 'shop.example', path: '/x', method: 'HEAD' },
    { host: 'shop.example', path: '/x', method: 'DELETE' },
  ],
  names: [
    { name: 'one.example', path: '/a' },
    { name: 'one.example', host: 'one.example:444', path: '/a' },
    { name: 'one.example', path: '/a', isHttp2: true },
    { name: 'one.example', path: '/a', maxVersion: 'TLSv1.2' },
    { name: 'x.two.example', path: '/b', method: 'POST' },
    { name: 'x.two.example', path: '/b', maxVersion: 'TLSv1.2' },
    { name: 'two.example', path: '/c' },
    { name: 'back.example', path: '/d' },
    { name: 'nobody.example', path: '/e' },
    { path: '/clear' },
  ],
  runtime: [{ path: '/on' }, { path: '/tenth' }, { path: '/off' }, { path: '/rest' }],
};

describe('files as people write them', { skip: missing('envoy') }, () => {
  const servers: Server[] = [];
  const texts = new Map<string, string | number>();

  before(async () => {
    const authority = await createAuthority('test roots');
    const identity = (name: string) => authority.issue({ dnsNames: [name] });
    const [one, two, back] = [
      await identity('one.example'),
      await identity('*.two.example'),
      await identity('back.example'),
    ];
    const certificate = { cert: back.certificateChainPem, key: back.privateKeyPem };
    const listen = async (server: Server): Promise<number> => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      servers.push(server);
      return (server.address() as AddressInfo).port;
    };
    const plain = createServer(answer).on('upgrade', (_, connection) => {
      connection.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n');
      connection.on('error', () => {}).pipe(connection);
    });
    texts
      .set('$PLAIN', await listen(plain))
      .set('$TLS', await listen(createSecure(certificate, answer)))
      .set('$H2', await listen(createHttp2Server((incoming, response) => answer(incoming as never, response as never))))
      .set('$ROOTS', back.trustBundlePem)
      .set('$CERT_ONE', one.certificateChainPem)
      .set('$KEY_ONE', one.privateKeyPem)
      .set('$CERT_TWO', two.certificateChainPem)
      .set('$KEY_TWO', two.privateKeyPem);
  });

  after(() => {
    for (const server of servers) server.close();
  });

  for (const [file, asks] of Object.entries(FILES)) {
    test(`${file}.yaml`, async () => {
      const bootstrap = load(file, texts);
      const proxies: RunningEnvoy[] = [];
      try {
        for (const start of [startWeftProxy, startEnvoy]) proxies.push(await start(bootstrap));
        for (const asked of asks) {
          const told = await Promise.all(proxies.map(({ ports }) => ask([...ports.values()][0] ?? 0, asked)));
          assert.deepEqual(told[0], told[1], JSON.stringify(asked));
        }
      } finally {
        await Promise.all(proxies.map((proxy) => proxy.stop()));
      }
    });
  }

  test('the bound on connections that runtime.yaml could say holds', async () => {
    const bootstrap = JSON.parse(
      JSON.stringify(load('runtime', texts)).replace(/("max_active_downstream_connections":)\d+/, '$12'),
    ) as Readonly<Record<string, unknown>>;
    for (const start of [startWeftProxy, startEnvoy]) {
      const proxy = await start(bootstrap);
      try {
        assert.deepEqual(await held([...proxy.ports.values()][0] ?? 0, 3), [true, true, false], start.name);
      } finally {
        await proxy.stop();
      }
    }
  });
});

/** Whether each of so many connections, one after the other, was still there after a while. */
async function held(port: number, count: number): Promise<readonly boolean[]> {
  const connections = [];
  for (let i = 0; i < count; i++) {
    const connection = connect(port, '127.0.0.1').on('error', () => {});
    await new Promise((resolve) => connection.once('connect', resolve));
    connections.push(connection);
    await Promise.race([new Promise((resolve) => connection.once('close', resolve)), setTimeout(500)]);
  }
  const open = connections.map(({ closed }) => !closed);
  for (const connection of connections) connection.destroy();
  return open;
}

/** Without `node`, as such files often are. */
function load(file: string, texts: ReadonlyMap<string, string | number>): Readonly<Record<string, unknown>> {
  const text = readFileSync(join(import.meta.dirname, 'files', `${file}.yaml`), 'utf8');
  const filled = JSON.stringify(parse(text)).replaceAll(/"(\$\w+)"/g, (_, key: string) =>
    JSON.stringify(texts.get(key)),
  );
  return JSON.parse(filled) as Readonly<Record<string, unknown>>;
}

/** What it was asked. */
function answer(incoming: IncomingMessage, response: ServerResponse): void {
  const kept = Object.entries(incoming.headers)
    .filter(([name]) => /^(?:host|:authority|x-tenant|x-internal|x-forwarded-proto)$/.test(name))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  response.end(JSON.stringify({ method: incoming.method, url: incoming.url, kept }));
}

/** What must be alike: words of an error are each proxy's own. */
type Told = Readonly<Record<string, unknown>>;

async function ask(port: number, asked: Ask): Promise<Told> {
  try {
    return asked.isHttp2 === true ? await askHttp2(port, asked) : await askHttp1(port, asked);
  } catch {
    return { failed: true };
  }
}

function askHttp1(
  port: number,
  { path, host, method = 'GET', headers, name, isWebSocket, maxVersion }: Ask,
): Promise<Told> {
  const upgrade = {
    connection: 'upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'c2l4dGVlbiBieXRlcyE=',
  };
  const options = {
    host: '127.0.0.1',
    port,
    path,
    method,
    agent: false as const,
    headers: { host: host ?? name ?? 'any.example', ...headers, ...(isWebSocket === true ? upgrade : {}) },
  };
  return new Promise((resolve, reject) => {
    const outgoing =
      name === undefined
        ? request(options)
        : secureRequest({
            ...options,
            servername: name,
            rejectUnauthorized: false,
            ...(maxVersion === undefined ? {} : { maxVersion }),
          });
    outgoing.setTimeout(10_000, () => outgoing.destroy(new Error('slow'))).on('error', reject);
    outgoing.on('upgrade', (_, connection) => {
      connection.on('data', (bytes: Buffer) => {
        connection.destroy();
        resolve({ echoed: bytes.toString() });
      });
      connection.write('hello');
    });
    outgoing.on('response', (response) => {
      let body = '';
      const certificate = name === undefined ? null : (response.socket as TLSSocket).getPeerCertificate();
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response
        .on('error', reject)
        .on('end', () => resolve(toldOf(response.statusCode ?? 0, response.headers, body, certificate)));
    });
    outgoing.end(method === 'POST' ? 'body' : undefined);
  });
}

function toldOf(
  status: number,
  headers: IncomingMessage['headers'],
  body: string,
  certificate: PeerCertificate | null,
): Told {
  const { location = '', 'x-site': site = '' } = headers;
  return { status, location, site, body: status < 300 ? body : '', shown: certificate?.subjectaltname ?? '' };
}

function askHttp2(port: number, { path, name, method = 'GET' }: Ask): Promise<Told> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(`https://127.0.0.1:${port}`, { servername: name, rejectUnauthorized: false }).on(
      'error',
      reject,
    );
    const stream = session.request({ ':path': path, ':method': method, ':authority': name });
    let status = 0;
    let body = '';
    stream.on('response', (headers) => {
      status = headers[':status'] ?? 0;
    });
    stream.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    stream.on('error', reject).on('end', () => {
      session.destroy();
      resolve({ status, body });
    });
  });
}
