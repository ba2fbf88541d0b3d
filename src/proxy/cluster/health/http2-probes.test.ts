import assert from 'node:assert/strict';
import { createServer, type Http2Server, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { TimerWheel } from '../../../core/timer-wheel.ts';
import { DEFAULT_HTTP2_LIMITS } from '../../../http/h2/limits.ts';
import { createNodeRuntime } from '../../../runtime/node/runtime.ts';
import type { DialTarget } from '../dial.ts';
import { InternalTargets } from '../internal-targets.ts';
import { OwnAddresses } from '../own-addresses.ts';
import { ResolveCache } from '../resolve-cache.ts';
import { readServingStatus, writeCheckRequest } from './grpc-health-message.ts';
import { GrpcProbe } from './grpc-probe.ts';
import { HttpProbe } from './http-probe.ts';
import type { Probe } from './probe.ts';
import type { ProbeLineOptions } from './probe-line.ts';

const runtime = createNodeRuntime();
const timers = new TimerWheel(runtime.clock);
const resolver = new ResolveCache(runtime.net, runtime.clock);
const dialer = { runtime, timers, resolver, internals: new InternalTargets(), own: new OwnAddresses() };
let server: Http2Server;
let target: DialTarget;
let sessions = 0;
const seen: { headers: IncomingHttpHeaders; body: Buffer }[] = [];
let answer: (stream: ServerHttp2Stream) => void = () => {};

before(async () => {
  server = createServer();
  server.on('session', () => sessions++);
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    const parts: Buffer[] = [];
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('error', () => {});
    stream.on('end', () => {
      seen.push({ headers, body: Buffer.concat(parts) });
      answer(stream);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  target = {
    address: { kind: 'socket', host: '127.0.0.1', port },
    transport: null,
    socket: null,
    announces: 0 as const,
    isForward: false,
    connected() {},
    connectFailed() {},
  };
});

after(() => server.close());

function grpc(message: readonly number[], status: string): (stream: ServerHttp2Stream) => void {
  return (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }));
    stream.end(Buffer.from([0, 0, 0, 0, message.length, ...message]));
  };
}

type Result = { fault: string; decisive: boolean };

/** A probe, how it is asked, and how it ends. */
function asking(make: (options: ProbeLineOptions) => Probe, reuse = true) {
  let told: (result: Result) => void = () => {};
  const owner = { probed: (fault: string, decisive: boolean) => told({ fault, decisive }) };
  const probe = make({ dialer, owner, connectTimeoutMs: 2_000, http2: DEFAULT_HTTP2_LIMITS, reuse });
  const ask = () =>
    new Promise<Result>((done) => {
      told = done;
      probe.run(target);
    });
  return { ask, end: () => probe.cancel() };
}

const byGrpc = (options: ProbeLineOptions) =>
  new GrpcProbe({ kind: 'grpc', service: 'shop.Cart', authority: '' }, 'a.shop', options);

test('a gRPC check asks for its service and believes only SERVING', async () => {
  const { ask, end } = asking(byGrpc);
  sessions = 0;
  answer = grpc([0x08, 0x01], '0');
  assert.deepEqual(await ask(), { fault: '', decisive: false });
  const [request] = seen.splice(0);
  assert.equal(request?.headers[':path'], '/grpc.health.v1.Health/Check');
  assert.equal(request?.headers[':authority'], 'a.shop');
  assert.equal(request?.headers['content-type'], 'application/grpc');
  assert.equal(request?.headers['te'], 'trailers');
  assert.deepEqual(request?.body, Buffer.concat([Buffer.from([0, 0, 0, 0, 11, 0x0a, 9]), Buffer.from('shop.Cart')]));
  answer = grpc([0x08, 0x02], '0');
  assert.deepEqual(await ask(), { fault: 'not serving', decisive: true });
  answer = grpc([], '12');
  assert.deepEqual(await ask(), { fault: 'gRPC status 12', decisive: true });
  answer = (stream) => stream.respond({ ':status': 200, 'grpc-status': '5' }, { endStream: true });
  assert.deepEqual(await ask(), { fault: 'gRPC status 5', decisive: true });
  answer = (stream) => stream.respond({ ':status': 503 }, { endStream: true });
  assert.deepEqual(await ask(), { fault: 'status 503', decisive: true });
  answer = (stream) => stream.close(2);
  assert.deepEqual(await ask(), { fault: 'the connection ended before the answer', decisive: false });
  answer = (stream) => {
    stream.respond({ ':status': 200 });
    stream.end(Buffer.alloc(4_000));
  };
  assert.deepEqual(await ask(), { fault: 'the answer is too long', decisive: true });
  answer = grpc([0x08, 0x01], '0');
  assert.deepEqual(await ask(), { fault: '', decisive: false });
  assert.equal(sessions, 1, 'one connection for all of them');
  end();
});

test('an HTTP check speaks HTTP/2 where the traffic does, on a new connection each time if so told', async () => {
  const config = {
    kind: 'http',
    host: '',
    path: '/healthz',
    method: 'GET',
    expected: [{ from: 200, to: 201 }],
    headers: [],
  } as const;
  const { ask, end } = asking((options) => new HttpProbe(config, 'a.shop', options), false);
  sessions = 0;
  answer = (stream) => {
    stream.respond({ ':status': 200 });
    stream.end('fine');
  };
  assert.deepEqual(await ask(), { fault: '', decisive: false });
  answer = (stream) => stream.respond({ ':status': 404 }, { endStream: true });
  assert.deepEqual(await ask(), { fault: 'status 404', decisive: true });
  assert.equal(sessions, 2);
  end();
});

test('a check that is cancelled leaves nothing open', async () => {
  const { ask, end } = asking(byGrpc);
  answer = () => end();
  const unheard = Symbol('unheard');
  const waited = new Promise((done) => setTimeout(() => done(unheard), 200));
  assert.equal(await Promise.race([ask(), waited]), unheard);
  const open = await new Promise((done) => server.getConnections((_error, count) => done(count)));
  assert.equal(open, 0);
});

test('a response is read by the letter: whole, not compressed, one field', () => {
  assert.equal(readServingStatus(Uint8Array.of(0, 0, 0, 0, 2, 8, 1)), 1);
  for (const frame of [
    [],
    [0, 0, 0, 0, 0],
    [1, 0, 0, 0, 2, 8, 1],
    [0, 0, 0, 0, 3, 8, 1],
    [0, 0, 0, 0, 2, 8, 0x81],
    [0, 0, 0, 0, 2, 16, 1],
  ]) {
    assert.equal(readServingStatus(Uint8Array.from(frame)), 0);
  }
  assert.deepEqual(writeCheckRequest(new Uint8Array(0)), new Uint8Array(5));
  const long = writeCheckRequest(new Uint8Array(300).fill(0x61));
  assert.deepEqual([...long.subarray(0, 8)], [0, 0, 0, 1, 0x2f, 0x0a, 0xac, 0x02]);
});
