/** What only the real transport has: shared connections, foreign peers, and bounds on what they may send. */
import assert from 'node:assert/strict';
import {
  connect,
  createServer as createHttp2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { RpcHandler, RpcStatus } from '../../../core/runtime.ts';
import { createNodeRuntime } from '../runtime.ts';
import { FrameReader, MAX_MESSAGE_BYTES } from '../../../core/grpc-frames.ts';

const runtime = createNodeRuntime();
const ANY = { host: '127.0.0.1', port: 0 };

function closed(): { handler: RpcHandler; status: Promise<RpcStatus>; messages: Uint8Array[] } {
  const { promise, resolve } = Promise.withResolvers<RpcStatus>();
  const messages: Uint8Array[] = [];
  return {
    handler: { onMessage: (message) => void messages.push(message), onWritable() {}, onClose: resolve },
    status: promise,
    messages,
  };
}

test('streams to one target share a connection, which ends with the last of them', async () => {
  const server = createHttp2Server();
  let sessions = 0;
  let ended = 0;
  server.on('session', (session) => {
    sessions++;
    session.on('close', () => ended++);
  });
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.on('end', () => stream.end());
    stream.resume();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  const calls = [closed(), closed(), closed()];
  const streams = calls.map(({ handler }) => runtime.rpc.open({ address, tls: null }, '/a/b', handler));
  for (const stream of streams) stream.end();
  for (const { status } of calls) assert.deepEqual(await status, { code: 0, message: '' });
  assert.equal(sessions, 1);
  await new Promise((done) => setTimeout(done, 20));
  assert.equal(ended, 1);
  await new Promise((done) => server.close(done));
});

test('what is not gRPC is a status, not a hang: plain HTTP answers, HTTP errors, streams without a status', async () => {
  const answers: [Record<string, string | number>, number][] = [
    [{ ':status': 503 }, 14],
    [{ ':status': 401 }, 16],
    [{ ':status': 200, 'content-type': 'text/html' }, 2],
    [{ ':status': 200, 'content-type': 'application/grpc' }, 13],
    [{ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '5', 'grpc-message': 'gone%20%zz' }, 5],
  ];
  for (const [head, code] of answers) {
    const server = createHttp2Server();
    server.on('stream', (stream: ServerHttp2Stream) => stream.respond(head, { endStream: true }));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const call = closed();
    const address = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
    runtime.rpc.open({ address, tls: null }, '/a/b', call.handler);
    const status = await call.status;
    assert.equal(status.code, code, JSON.stringify([head, status]));
    if (code === 5) assert.equal(status.message, 'gone %zz');
    await new Promise((done) => server.close(done));
  }
});

async function callRaw(
  port: number,
  headers: Record<string, string>,
  body: Buffer,
): Promise<{ head: IncomingHttpHeaders; trailers: IncomingHttpHeaders }> {
  const session = connect(`http://127.0.0.1:${port}`);
  const stream = session.request({ ':method': 'POST', ':path': '/a/b', ...headers });
  let head: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  stream.on('response', (fields) => {
    head = fields;
  });
  stream.on('trailers', (fields) => {
    trailers = fields;
  });
  stream.on('error', () => {});
  stream.resume();
  stream.write(body);
  await new Promise((done) => stream.on('close', done));
  session.destroy();
  return { head, trailers };
}

test('a server refuses what is no gRPC, what is compressed, and what announces too much', async () => {
  const call = closed();
  const listener = await runtime.rpc.serve(ANY, null, () => call.handler);
  const { port } = listener.address;
  const html = await callRaw(port, { 'content-type': 'text/html' }, Buffer.alloc(5));
  assert.equal(html.head[':status'], 415);
  const compressed = await callRaw(port, { 'content-type': 'application/grpc' }, Buffer.from([1, 0, 0, 0, 1, 0]));
  assert.equal(compressed.trailers['grpc-status'], '13');
  const huge = await callRaw(port, { 'content-type': 'application/grpc+proto' }, Buffer.from([0, 255, 0, 0, 0, 0]));
  assert.equal(huge.trailers['grpc-status'], '8');
  assert.equal(call.messages.length, 0);
  await listener.close();
});

test('frames are cut the same however the bytes are split', () => {
  const bodies = [new Uint8Array(0), new Uint8Array([1]), new Uint8Array(300).fill(7)];
  const wire = Buffer.concat(
    bodies.flatMap((body) => [Buffer.from([0, 0, 0, body.length >> 8, body.length & 255]), body]),
  );
  for (let step = 1; step < wire.length; step++) {
    const got: Uint8Array[] = [];
    const reader = new FrameReader((message) => got.push(message));
    for (let at = 0; at < wire.length; at += step) assert.equal(reader.push(wire.subarray(at, at + step)), null);
    assert.deepEqual(
      got.map((message) => [...message]),
      bodies.map((body) => [...body]),
    );
    assert.ok(reader.idle);
  }
  assert.equal(MAX_MESSAGE_BYTES, 67_108_864);
});

test('a server that takes less than the most refuses a longer message by its prefix, and takes one that fits', async () => {
  const call = closed();
  const listener = await runtime.rpc.serve(ANY, null, () => call.handler, 1000);
  const { port } = listener.address;
  const prefix = (length: number) => Buffer.from([0, 0, 0, length >> 8, length & 255]);
  const large = await callRaw(port, { 'content-type': 'application/grpc' }, prefix(1001));
  assert.equal(large.trailers['grpc-status'], '8');
  assert.equal((await call.status).code, 8);
  const session = connect(`http://127.0.0.1:${port}`);
  const fits = Promise.withResolvers<number>();
  call.handler.onMessage = (message) => fits.resolve(message.length);
  const stream = session.request({ ':method': 'POST', ':path': '/a/b', 'content-type': 'application/grpc' });
  stream.on('error', () => {});
  stream.write(Buffer.concat([prefix(1000), Buffer.alloc(1000)]));
  assert.equal(await fits.promise, 1000);
  session.destroy();
  await listener.close();
});

test('who was sent the end and does not read is let go of, with what waited for it', { timeout: 30_000 }, async () => {
  const gone = Promise.withResolvers<void>();
  const listener = await runtime.rpc.serve(ANY, null, (stream) => ({
    onMessage() {
      for (let i = 0; i < 8; i++) stream.send(new Uint8Array(1 << 20));
      stream.end({ code: 4, message: 'does not read' });
    },
    onWritable() {},
    onClose: () => gone.resolve(),
  }));
  const session = connect(`http://127.0.0.1:${listener.address.port}`);
  const stream = session.request({ ':method': 'POST', ':path': '/a/b', 'content-type': 'application/grpc' });
  stream.on('error', () => {});
  stream.write(Buffer.alloc(5));
  await gone.promise;
  session.destroy();
  await listener.close();
});
