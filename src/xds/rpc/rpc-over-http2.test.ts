/** Calls over our HTTP/2, to the control plane's own server and to servers that are no gRPC at all. */
import assert from 'node:assert/strict';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer } from 'node:net';
import { before, test } from 'node:test';
import type { RpcHandler, RpcStatus, RpcStream, TlsIdentity, TlsOptions } from '../../core/runtime.ts';
import { TimerWheel } from '../../core/timer-wheel.ts';
import { createNodeRuntime } from '../../runtime/node/runtime.ts';
import { anonymous, createAuthority } from '../../runtime/test/certificates.ts';
import { rpcOverHttp2 } from './rpc-over-http2.ts';

const runtime = createNodeRuntime();
const rpc = rpcOverHttp2({ ...runtime, timers: new TimerWheel(runtime.clock) });
const ANY = { host: '127.0.0.1', port: 0 };

let serverIdentity: TlsIdentity;
let clientIdentity: TlsIdentity;

before(async () => {
  const authority = await createAuthority('weft test root');
  serverIdentity = await authority.issue({ uris: ['spiffe://weft.test/ns/weft-system/sa/control-plane'] });
  clientIdentity = await authority.issue({ uris: ['spiffe://weft.test/ns/shop/sa/web'] });
});

class Caller implements RpcHandler {
  readonly messages: Uint8Array[] = [];
  readonly #closed = Promise.withResolvers<RpcStatus>();
  #isClosed = false;
  onMessageDo: ((message: Uint8Array) => void) | null = null;
  onWritableDo: (() => void) | null = null;

  get status(): Promise<RpcStatus> {
    return this.#closed.promise;
  }

  onMessage(message: Uint8Array): void {
    assert.ok(!this.#isClosed, 'a message after the close');
    this.messages.push(message);
    this.onMessageDo?.(message);
  }

  onWritable(): void {
    this.onWritableDo?.();
  }

  onClose(status: RpcStatus): void {
    assert.ok(!this.#isClosed, 'closed twice');
    this.#isClosed = true;
    this.#closed.resolve(status);
  }
}

function tlsOf(role: 'client' | 'server', identity: TlsIdentity, verifyPeer: TlsOptions['verifyPeer'] = null) {
  const serverName = role === 'client' ? 'localhost' : null;
  return { role, identity, alpn: ['h2'], serverName, requirePeerCertificate: true, verifyPeer } as const;
}

/** A server that says what it is told; `refuse`: it opens no stream. */
async function echo(tls: TlsOptions | null, refuse: RpcStatus | null = null) {
  const streams: RpcStream[] = [];
  const listener = await runtime.rpc.serve(ANY, tls, (stream) => {
    streams.push(stream);
    return refuse ?? { onMessage: (message) => stream.send(message), onWritable() {}, onClose() {} };
  });
  return { listener, streams, address: listener.address };
}

test('messages of every size go both ways in order over mTLS, and the server’s status ends the call', async () => {
  const { listener, streams, address } = await echo(tlsOf('server', serverIdentity));
  const caller = new Caller();
  const sizes = [0, 1, 4_000, 70_000, 2_500_000];
  const all = Promise.withResolvers<void>();
  caller.onMessageDo = () => caller.messages.length === sizes.length && all.resolve();
  const stream = rpc.open({ address, tls: tlsOf('client', clientIdentity) }, '/a.B/C', caller);
  for (const size of sizes) stream.send(new Uint8Array(size).fill(size & 255));
  await all.promise;
  assert.deepEqual(
    caller.messages.map((message) => message.length),
    sizes,
  );
  assert.ok(caller.messages.every((message, i) => message.every((byte) => byte === ((sizes[i] ?? 0) & 255))));
  streams[0]?.end({ code: 9, message: 'enough – “now”' });
  assert.deepEqual(await caller.status, { code: 9, message: 'enough – “now”' });
  await listener.close();
});

test('a client that ends is answered with the server’s status', async () => {
  const { listener, streams, address } = await echo(null);
  const caller = new Caller();
  caller.onMessageDo = () => streams[0]?.end({ code: 0, message: '' });
  const stream = rpc.open({ address, tls: null }, '/a/b', caller);
  stream.send(new Uint8Array(3));
  stream.end();
  assert.deepEqual(await caller.status, { code: 0, message: '' });
  await listener.close();
});

test('a refusal is its status; nobody there, and a server that goes, are code 14', async () => {
  const refusing = await echo(null, { code: 7, message: 'not you' });
  const refused = new Caller();
  rpc.open({ address: refusing.address, tls: null }, '/a/b', refused);
  assert.deepEqual(await refused.status, { code: 7, message: 'not you' });
  await refusing.listener.close();
  const late = new Caller();
  rpc.open({ address: refusing.address, tls: null }, '/a/b', late).send(new Uint8Array(3));
  const reason = `connect: ECONNREFUSED 127.0.0.1:${refusing.address.port}`;
  assert.deepEqual(await late.status, { code: 14, message: reason });

  const going = createServer((socket) => socket.once('data', () => socket.destroy()));
  await new Promise<void>((done) => going.listen(0, '127.0.0.1', done));
  const cut = new Caller();
  const address = { host: '127.0.0.1', port: (going.address() as AddressInfo).port };
  rpc.open({ address, tls: null }, '/a/b', cut).send(new Uint8Array(3));
  assert.equal((await cut.status).code, 14);
  going.close();
});

test('a call that is destroyed ends at once here, and soon there', async () => {
  const { promise, resolve } = Promise.withResolvers<RpcStatus>();
  const listener = await runtime.rpc.serve(ANY, null, (stream) => ({
    onMessage: (message) => stream.send(message),
    onWritable() {},
    onClose: resolve,
  }));
  const caller = new Caller();
  const stream = rpc.open({ address: listener.address, tls: null }, '/a/b', caller);
  caller.onMessageDo = () => stream.destroy();
  stream.send(new Uint8Array(3));
  assert.equal((await caller.status).code, 1);
  assert.ok([1, 14].includes((await promise).code));
  await listener.close();
  const early = new Caller();
  rpc.open({ address: listener.address, tls: null }, '/a/b', early).destroy();
  assert.equal((await early.status).code, 1);
});

test('a sender that looks at writable is held while the peer is slow, and told when to go on', async () => {
  const { listener, address } = await echo(null);
  const caller = new Caller();
  const stream = rpc.open({ address, tls: null }, '/a/b', caller);
  const total = 200;
  let sent = 0;
  let times = 0;
  const fill = (): void => {
    times += 1;
    for (; sent < total && stream.writable; sent += 1) stream.send(new Uint8Array(100_000));
  };
  const all = Promise.withResolvers<void>();
  caller.onMessageDo = () => caller.messages.length === total && all.resolve();
  caller.onWritableDo = fill;
  fill();
  assert.ok(sent < total, 'held');
  await all.promise;
  assert.ok(times > 1);
  stream.destroy();
  await listener.close();
});

test('who is not trusted gets no stream, at either end', async () => {
  const { listener, streams, address } = await echo(tlsOf('server', serverIdentity));
  const nobody = new Caller();
  const none = anonymous(clientIdentity.trustBundlePem);
  rpc.open({ address, tls: tlsOf('client', none) }, '/a/b', nobody).send(new Uint8Array(1));
  const picky = new Caller();
  const wrong = tlsOf('client', clientIdentity, () => 'expected somebody else');
  rpc.open({ address, tls: wrong }, '/a/b', picky).send(new Uint8Array(1));
  assert.equal((await nobody.status).code, 14);
  assert.deepEqual(await picky.status, { code: 14, message: 'tls: expected somebody else' });
  assert.deepEqual(streams, [], 'no stream reached the server');
  await listener.close();
});

test('what is not gRPC is a status, not a hang', async () => {
  const answers: readonly (readonly [Record<string, string | number>, Buffer | null, number])[] = [
    [{ ':status': 503 }, null, 14],
    [{ ':status': 401 }, null, 16],
    [{ ':status': 200, 'content-type': 'text/html' }, null, 2],
    [{ ':status': 200, 'content-type': 'application/grpc' }, null, 13],
    [{ ':status': 200, 'content-type': 'application/grpc' }, Buffer.from([0, 0, 0, 0, 0]), 13],
    [{ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '5', 'grpc-message': 'gone%20%zz' }, null, 5],
    [{ ':status': 200, 'content-type': 'application/grpc' }, Buffer.from([1, 0, 0, 0, 1, 0]), 13],
    [{ ':status': 200, 'content-type': 'application/grpc' }, Buffer.from([0, 255, 0, 0, 0, 0]), 8],
  ];
  for (const [head, content, code] of answers) {
    const server = createHttp2Server();
    server.on('stream', (stream: ServerHttp2Stream) => {
      stream.on('error', () => {});
      stream.respond(head, { endStream: content === null });
      if (content !== null) stream.end(content);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const caller = new Caller();
    const address = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
    rpc.open({ address, tls: null }, '/a/b', caller);
    const status = await caller.status;
    assert.equal(status.code, code, JSON.stringify([head, status]));
    if (code === 5) assert.equal(status.message, 'gone %zz');
    await new Promise((done) => server.close(done));
  }
});
