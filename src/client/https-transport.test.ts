import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { createServer, type Server, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { after, before, describe, test } from 'node:test';
import { type ErrorCode, isWeftError } from '../core/errors.ts';
import { makeRoot, type TestIdentity, type TestRoot } from './certificates.fixture.ts';
import { createHttpsTransport, type Credential } from './https-transport.ts';
import { fetchPinnedRoot } from './pinned-root.ts';
import type { HttpTransport } from './transport.ts';

const CONTROL_PLANE = 'spiffe://weft.local/ns/weft-system/sa/control-plane';
const get = (path: string) => ({ method: 'GET', path, headers: {}, body: null, timeoutMs: 2_000 });
const code = (expected: ErrorCode, text: RegExp) => (error: unknown) => {
  assert.ok(isWeftError(error, expected), String(error));
  assert.match(error.message, text);
  return true;
};

let root: TestRoot;
let identity: TestIdentity;
const open: { close(): void }[] = [];

before(async () => {
  root = await makeRoot();
  identity = await root.issue(CONTROL_PLANE);
});
after(() => {
  for (const each of open) each.close();
});

async function serve(
  answer: (...args: Parameters<RequestListener>) => unknown,
  options: ServerOptions = {},
  as = identity,
): Promise<string> {
  const server: Server = createServer(
    { cert: as.certificateChainPem, key: as.privateKeyPem, ...options },
    (request, response) => void answer(request, response),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({
    close() {
      server.close();
      server.closeAllConnections();
    },
  });
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function transportTo(
  server: string,
  credential: Credential = { kind: 'none' },
  caPem: string | null = root.pem,
): HttpTransport {
  const transport = createHttpsTransport({ server, caPem, credential: () => credential });
  open.push(transport);
  return transport;
}

describe('the HTTPS transport', () => {
  test('sends method, path, body and token, and gives back status and body whatever the status', async () => {
    const server = await serve(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      response.writeHead(418).end(`${request.method} ${request.url} ${request.headers.authorization} ${body}`);
    });
    const transport = transportTo(server, { kind: 'token', token: 'secret' });
    const answer = await transport.request({ ...get('/a?b=c'), method: 'POST', body: 'é' });
    assert.deepEqual(answer, { status: 418, body: 'POST /a?b=c Bearer secret é' });
  });

  test('shows a client certificate', async () => {
    const options = { ca: root.pem, requestCert: true, rejectUnauthorized: true };
    const server = await serve((request, response) => {
      response.end((request.socket as TLSSocket).getPeerCertificate().subjectaltname);
    }, options);
    const workload = await root.issue('spiffe://weft.local/ns/shop/sa/catalog');
    const answer = await transportTo(server, { kind: 'certificate', ...workload }).request(get('/'));
    assert.equal(answer.body, 'URI:spiffe://weft.local/ns/shop/sa/catalog');
  });

  test('refuses a certificate of another root, before a credential is sent', async () => {
    let requests = 0;
    const foreign = await makeRoot();
    const server = await serve(() => (requests += 1), {}, await foreign.issue(CONTROL_PLANE));
    await assert.rejects(
      transportTo(server, { kind: 'token', token: 'secret' }).request(get('/')),
      code('unauthenticated', /not of this mesh/),
    );
    assert.equal(requests, 0);
  });

  test('refuses a workload of the mesh that poses as the control plane', async () => {
    let requests = 0;
    const uri = 'spiffe://weft.local/ns/weft-system/sa/control-plane-2';
    const server = await serve(() => (requests += 1), {}, await root.issue(uri));
    await assert.rejects(
      transportTo(server, { kind: 'token', token: 'secret' }).request(get('/')),
      code('unauthenticated', /not the control plane/),
    );
    assert.equal(requests, 0);
  });

  test('says what to do when nothing listens', async () => {
    const refused = transportTo('https://127.0.0.1:1').request(get('/'));
    await assert.rejects(
      refused,
      code('unavailable', /the control plane is not running \(https:\/\/127.0.0.1:1\). Start it with: weft up/),
    );
  });

  test('gives up in time on a server that is silent, or that stops in the middle', async () => {
    const server = await serve((request, response) => {
      if (request.url === '/half') response.writeHead(200, { 'content-length': 10 }).write('abc');
      if (request.url === '/cut')
        response.writeHead(200, { 'content-length': 10 }).write('abc', () => request.socket.destroy());
    });
    const transport = transportTo(server);
    await assert.rejects(transport.request({ ...get('/never'), timeoutMs: 100 }), code('timeout', /within 100 ms/));
    await assert.rejects(transport.request({ ...get('/half'), timeoutMs: 100 }), code('timeout', /within 100 ms/));
    await assert.rejects(transport.request(get('/cut')), code('unavailable', /broke/));
  });

  test('streams lines as they come, over any cut, and without a limit on time', async () => {
    const [first, second] = [Buffer.from('é').subarray(0, 1), Buffer.from('é').subarray(1)];
    const pieces = ['{"a":"', first, second, '"}\n{"b"', ':1}\n', '\n{"c":2}'];
    const server = await serve(async (_request, response) => {
      for (const piece of pieces) {
        response.write(piece);
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
      response.end();
    });
    const { lines } = await transportTo(server).stream({ ...get('/'), timeoutMs: 100 });
    const seen: string[] = [];
    for await (const line of lines) seen.push(line);
    assert.deepEqual(seen, ['{"a":"é"}', '{"b":1}', '', '{"c":2}']);
  });

  test('bounds a line', async () => {
    const server = await serve((_request, response) => void response.end('x'.repeat(9 * 1024 * 1024)));
    const { lines } = await transportTo(server).stream(get('/'));
    const drain = async () => {
      for await (const _ of lines);
    };
    await assert.rejects(drain(), code('limit-exceeded', /more than 8388608 bytes/));
  });

  test('ends a stream when its signal aborts, and the connection with it', async () => {
    let closed = false;
    const server = await serve((request, response) => {
      response.write('1\n');
      request.socket.on('close', () => {
        closed = true;
      });
    });
    const abort = new AbortController();
    const { lines } = await transportTo(server).stream({ ...get('/'), signal: abort.signal });
    const read = async () => {
      for await (const _ of lines) abort.abort();
    };
    await assert.rejects(read(), code('unavailable', /cancelled/));
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(closed, true);
  });

  test('wants https', () => {
    assert.throws(() => transportTo('http://127.0.0.1:1'), code('invalid', /https:/));
    assert.throws(() => transportTo('nonsense'), code('invalid', /https:/));
  });
});

describe('fetchPinnedRoot', () => {
  const hashOf = (der: Uint8Array) => `sha256:${createHash('sha256').update(der).digest('hex')}`;

  test('takes the root that has the hash out of a bundle, and no other', async () => {
    const other = await makeRoot();
    const seen: (string | undefined)[] = [];
    const server = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.end(JSON.stringify({ trustDomain: 'weft.local', trustBundlePem: other.pem + root.pem }));
    });
    assert.equal(`${await fetchPinnedRoot(server, hashOf(root.der))}\n`, root.pem);
    const stranger = await makeRoot();
    await assert.rejects(
      fetchPinnedRoot(server, hashOf(stranger.der)),
      code('unauthenticated', /does not have the CA/),
    );
    await assert.rejects(fetchPinnedRoot(server, 'md5:00'), code('invalid', /sha256:/));
    assert.deepEqual(seen, [undefined, undefined]);
  });

  test('does not take nonsense for a root', async () => {
    const server = await serve(
      (_request, response) => void response.end('-----BEGIN CERTIFICATE-----AAAA-----END CERTIFICATE-----'),
    );
    await assert.rejects(fetchPinnedRoot(server, hashOf(root.der)), code('unauthenticated', /does not have the CA/));
  });
});
