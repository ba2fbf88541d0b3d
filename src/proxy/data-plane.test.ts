import assert from 'node:assert/strict';
import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { RecordingLog } from '../core/log.ts';
import { TimerWheel } from '../core/timer-wheel.ts';
import { createNodeRuntime } from '../runtime/node/runtime.ts';
import {
  chainOf,
  clusterOf,
  endpointAt,
  forward,
  httpManager,
  idOf,
  internalEndpoint,
  listenerOf,
  meshTls,
  mtlsChain,
  RETRIES,
  routesOf,
  snapshotOf,
  TRUST_DOMAIN,
  tcpProxy,
} from '../../test/support/proxy-snapshots.ts';
import { issueSvid, SettableSvid, testAuthority } from '../../test/support/real-svids.ts';
import { DataPlane } from './data-plane.ts';

const runtime = createNodeRuntime();
const timers = new TimerWheel(runtime.clock);
const authority = await testAuthority(runtime, TRUST_DOMAIN);
const catalogLog = new RecordingLog('debug');
const webLog = new RecordingLog('debug');
const catalogSvid = new SettableSvid(await issueSvid(authority, idOf('catalog')));
const webSvid = new SettableSvid(await issueSvid(authority, idOf('web')));

let app: Server;
let seen: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[] = [];
const tcpApp = createTcpServer({ allowHalfOpen: true }, (socket) => {
  socket.write('hello\n');
  socket.on('data', (bytes) => {
    if (bytes.includes('crash')) socket.resetAndDestroy();
    else socket.write(bytes);
  });
  socket.on('error', () => {});
  socket.on('end', () => socket.end('bye\n'));
});
let catalog: DataPlane;
let web: DataPlane;
let webPort = 0;
let webTcpPort = 0;

async function freePort(): Promise<number> {
  const probe = createTcpServer();
  await new Promise<void>((done) => probe.listen(0, '127.0.0.1', done));
  const { port } = probe.address() as AddressInfo;
  await new Promise((done) => probe.close(done));
  return port;
}

function plane(service: string, svid: SettableSvid, log: RecordingLog): DataPlane {
  return new DataPlane({
    runtime,
    timers,
    log,
    service,
    svid,
    trustBundlePem: authority.trustBundlePem,
    egressProxy: null,
    accessLogPath: null,
  });
}

before(async () => {
  app = createServer((req, res) => {
    let body = '';
    req.setEncoding('latin1');
    req.on('data', (part: string) => {
      body += part;
    });
    req.on('end', () => {
      seen.push({ method: req.method ?? '', url: req.url ?? '', headers: req.headers, body });
      res.setHeader('x-app', 'yes');
      res.end(`you said ${body.length}`);
    });
  });
  await new Promise<void>((done) => app.listen(0, '127.0.0.1', done));
  await new Promise<void>((done) => tcpApp.listen(0, '127.0.0.1', done));
  const appAt = { host: '127.0.0.1', port: (app.address() as AddressInfo).port };
  const tcpAt = { host: '127.0.0.1', port: (tcpApp.address() as AddressInfo).port };
  const inboundAt = { host: '127.0.0.1', port: await freePort() };
  const inboundTcpAt = { host: '127.0.0.1', port: await freePort() };
  webPort = await freePort();
  webTcpPort = await freePort();
  catalog = plane('catalog.shop', catalogSvid, catalogLog);
  web = plane('web.shop', webSvid, webLog);
  await catalog.use(
    catalog.bind(
      snapshotOf({
        routes: [routesOf('in', { '/': forward('inbound|http') })],
        listeners: [
          listenerOf('inbound|http', inboundAt, [mtlsChain(httpManager('in'), 'http/1.1')]),
          listenerOf('inbound|tcp', inboundTcpAt, [mtlsChain(tcpProxy('inbound|tcp'), 'weft-tcp')]),
        ],
        clusters: [clusterOf('inbound|http', [endpointAt(appAt)]), clusterOf('inbound|tcp', [endpointAt(tcpAt)])],
      }),
    ),
  );
  await web.use(
    web.bind(
      snapshotOf({
        routes: [
          routesOf('out', {
            CONNECT: forward('connect|catalog', { connect: true }),
            '/wrong': forward('wrong-id'),
            '/nobody': forward('nobody'),
            '/': forward('catalog.shop', { retry: RETRIES }),
          }),
          routesOf('inner', { '/': forward('catalog.shop', { retry: RETRIES }) }),
        ],
        listeners: [
          listenerOf('outbound|http', { host: '127.0.0.1', port: webPort }, [chainOf(httpManager('out'))]),
          listenerOf('outbound|catalog', null, [chainOf(httpManager('inner'))]),
          listenerOf('outbound|tcp', { host: '127.0.0.1', port: webTcpPort }, [chainOf(tcpProxy('tcp'))], {
            inspectTls: true,
          }),
        ],
        clusters: [
          clusterOf('catalog.shop', [endpointAt(inboundAt)], { transport: meshTls(['catalog']) }),
          clusterOf('wrong-id', [endpointAt(inboundAt)], { transport: meshTls(['reviews']) }),
          clusterOf('nobody', []),
          clusterOf('connect|catalog', [internalEndpoint('outbound|catalog')]),
          clusterOf('tcp', [endpointAt(inboundTcpAt)], { transport: meshTls(['catalog'], 'weft-tcp') }),
        ],
      }),
    ),
  );
});

after(async () => {
  await web.close();
  await catalog.close();
  app.closeAllConnections();
  app.close();
  tcpApp.close();
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

function ask(path: string, options: { method?: string; body?: string; headers?: Record<string, string> } = {}) {
  return new Promise<Answer>((resolve, reject) => {
    const { method = 'GET', body, headers = {} } = options;
    const outgoing = request({ host: '127.0.0.1', port: webPort, path, method, headers, agent: false }, (res) => {
      let text = '';
      res.setEncoding('latin1');
      res.on('data', (part: string) => {
        text += part;
      });
      res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, body: text }));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

test('a request crosses two proxies over mTLS, with a request id and the verified caller', async () => {
  seen = [];
  const answer = await ask('/items?q=1', { headers: { 'x-forwarded-client-cert': 'URI=spiffe://evil' } });
  assert.equal(answer.status, 200);
  assert.equal(answer.body, 'you said 0');
  assert.equal(answer.headers['x-app'], 'yes');
  const [got] = seen;
  assert.ok(got !== undefined);
  assert.equal(got.url, '/items?q=1');
  assert.match(
    String(got.headers['x-request-id']),
    /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  assert.equal(got.headers['x-forwarded-client-cert'], `By=${idOf('catalog')};URI=${idOf('web')}`);
  const edge = catalog.telemetry.edge('inbound', 'web.shop', 'catalog.shop', true);
  assert.equal(edge.requests, 1);
  assert.equal(web.telemetry.edge('outbound', 'web.shop', 'catalog.shop', true).requests, 1);
});

test('a body of 8 MiB arrives whole', async () => {
  seen = [];
  const body = 'x'.repeat(8 * 1024 * 1024);
  const answer = await ask('/upload', { method: 'POST', body });
  assert.equal(answer.body, `you said ${body.length}`);
});

test('an upstream that is not who it should be gets nothing, and is counted and named', async () => {
  const answer = await ask('/wrong');
  assert.equal(answer.status, 503);
  assert.equal(answer.headers['x-weft-flag'], 'UF');
  assert.match(answer.body, /^weft: cannot connect to wrong-id at .*\(UF\)\n$/);
  assert.equal(web.telemetry.counters.counter('upstream_peer_id_refused', { cluster: 'wrong-id' }).value, 1);
  assert.ok(
    webLog.lines.some((line) => line.message === 'upstream peer refused' && /reviews/.test(String(line.fields.reason))),
  );
});

test('a cluster without endpoints answers UH by name', async () => {
  const answer = await ask('/nobody');
  assert.equal(answer.status, 503);
  assert.equal(answer.body, 'weft: no healthy endpoint for nobody (UH)\n');
});

test('CONNECT to a mesh name: what is in the tunnel is seen as HTTP', async () => {
  seen = [];
  const text = await new Promise<string>((resolve, reject) => {
    const socket = connect(webPort, '127.0.0.1');
    let all = '';
    let asked = false;
    socket.on('error', reject);
    socket.write('CONNECT catalog:80 HTTP/1.1\r\nhost: catalog:80\r\n\r\n');
    socket.on('data', (part) => {
      all += part.toString('latin1');
      if (!asked && all.includes('\r\n\r\n')) {
        asked = true;
        socket.write('GET /tunnelled HTTP/1.1\r\nhost: catalog\r\nconnection: close\r\n\r\n');
      }
    });
    socket.on('end', () => resolve(all));
  });
  assert.match(text, /^HTTP\/1\.1 200 /);
  assert.match(text, /you said 0$/);
  assert.equal(seen[0]?.url, '/tunnelled');
});

test('a server that speaks first is heard, and both directions end by themselves', async () => {
  const text = await new Promise<string>((resolve, reject) => {
    const socket = connect({ port: webTcpPort, host: '127.0.0.1', allowHalfOpen: true });
    let all = '';
    socket.on('error', reject);
    socket.on('data', (part) => {
      all += part.toString('latin1');
      if (all === 'hello\n') socket.end('ping\n');
    });
    socket.on('end', () => resolve(all));
  });
  assert.equal(text, 'hello\nping\nbye\n');
});

test('a TCP upstream that resets in the middle is a reset for the client, not an end', async () => {
  const ended = await new Promise<string>((resolve) => {
    const socket = connect({ port: webTcpPort, host: '127.0.0.1' });
    socket.on('data', () => socket.write('crash\n'));
    socket.on('end', () => resolve('end'));
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
  });
  assert.equal(ended, 'ECONNRESET');
});

test('plaintext on a port that requires mTLS is closed, counted and named', async () => {
  const listener = [...catalog.listeners.active].find(({ name }) => name === 'inbound|http');
  const port = listener?.config.address?.port ?? 0;
  const bytes = await new Promise<number>((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let count = 0;
    socket.on('data', (part) => {
      count += part.length;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(count));
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  });
  assert.equal(bytes, 0);
  assert.equal(catalog.telemetry.counters.counter('no_filter_chain_match', { listener: 'inbound|http' }).value, 1);
  assert.ok(catalogLog.lines.some((line) => /plaintext on a port that requires mTLS/.test(String(line.fields.why))));
});

test('an expired identity refuses, and says so', async () => {
  const good = webSvid.current();
  assert.ok(good !== null);
  webSvid.set({ ...good, notAfter: runtime.clock.wall() - 1 });
  const answer = await ask('/items');
  webSvid.set(good);
  assert.equal(answer.status, 503);
  assert.equal(answer.headers['x-weft-flag'], 'SE');
  assert.match(answer.body, /expired at/);
  assert.equal((await ask('/items')).status, 200);
});
