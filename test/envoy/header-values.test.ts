/** Fields whose values are made of operators: what our proxy adds to requests and responses, Envoy adds as well. */
import assert from 'node:assert/strict';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { missing } from '../support/components.ts';
import { cluster, httpListener } from './access-log-bootstrap.ts';
import { type RunningEnvoy, startEnvoy, startWeftProxy } from './running.ts';

type Json = Readonly<Record<string, unknown>>;

const add = (key: string, value: string, rest: Json = {}): Json => ({ header: { key, value }, ...rest });

const REQUEST = [
  add('x-method', '%REQ(:METHOD)% %REQ(:PATH)% %PROTOCOL%'),
  add('x-cut', '%REQ(X-A):2%'),
  add('x-none', '%REQ(NONE)%'),
  add('x-kept', '%REQ(NONE)%', { keep_empty_value: true }),
  add('x-mixed', 'a%REQ(NONE)%b %% %QUERY_PARAM(q)%'),
  add('x-a', 'new of %REQ(X-A)%', { append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' }),
  add('x-of-a', '%REQ(X-A)%'),
  add('x-from', '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%'),
  add('x-cluster', '%UPSTREAM_CLUSTER%'),
  add('x-route', '%ROUTE_NAME%'),
];
const RESPONSE = [
  add('x-code', '%RESPONSE_CODE_DETAILS%'),
  add('x-path', '%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%'),
  add('x-up', 'was %RESP(X-UP)%', { append_action: 'OVERWRITE_IF_EXISTS' }),
  add('x-flags', '%RESPONSE_FLAGS%'),
];

const EDITS = { request_headers_to_add: REQUEST, response_headers_to_add: RESPONSE };
const ROUTES: readonly Json[] = [
  { match: { prefix: '/up' }, name: 'up', route: { cluster: 'http', prefix_rewrite: '/new' }, ...EDITS },
  { match: { prefix: '/direct' }, direct_response: { status: 418 }, response_headers_to_add: RESPONSE },
];

/** What the back end got and what the caller got, as far as the names of the edits go. */
interface Seen {
  readonly request: Readonly<Record<string, unknown>>;
  readonly response: Readonly<Record<string, unknown>>;
}

function ask(port: number, path: string): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ port, host: '127.0.0.1', path, headers: { 'x-a': 'old', host: 'a' } });
    request.on('error', reject).end();
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const got = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {};
        resolve({ request: named(REQUEST, got), response: named(RESPONSE, response.headers) });
      });
    });
  });
}

function named(edits: readonly Json[], headers: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const names = edits.map((edit) => (edit['header'] as { readonly key: string }).key);
  return Object.fromEntries(names.map((name) => [name, headers[name] ?? null]));
}

describe('values of fields in Weft’s proxy and in Envoy', { skip: missing('envoy') }, () => {
  const proxies: RunningEnvoy[] = [];
  let backend: Server | null = null;

  before(async () => {
    const server = createServer((request, response) => {
      response.writeHead(200, { 'x-up': 'up' }).end(JSON.stringify(request.headers));
    });
    backend = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const bootstrap = {
      static_resources: {
        listeners: [httpListener('http', ROUTES, [])],
        clusters: [cluster('http', [(server.address() as AddressInfo).port])],
      },
    };
    for (const start of [startEnvoy, startWeftProxy]) proxies.push(await start(bootstrap));
  });
  after(async () => {
    for (const proxy of proxies) await proxy.stop();
    backend?.close();
  });

  for (const path of ['/up/x?q=1', '/direct']) {
    test(path, async () => {
      const [envoy, weft] = await Promise.all(proxies.map((proxy) => ask(proxy.ports.get('http') ?? 0, path)));
      assert.deepEqual(weft, envoy);
      assert.match(String(weft?.response['x-code']), /^(?:via_upstream|direct_response)$/);
    });
  }
});
