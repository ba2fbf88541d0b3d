/** RPC served on our HTTP/2: to the client on Node's HTTP/2, so that two implementations meet, and to what is no client. */
import assert from 'node:assert/strict';
import { connect } from 'node:http2';
import { test } from 'node:test';
import { silentLog } from '../../core/log.ts';
import type { RpcAccept, RpcStream } from '../../core/runtime.ts';
import { TimerWheel } from '../../core/timer-wheel.ts';
import { createNodeRuntime } from '../../runtime/node/runtime.ts';
import { Peer } from './peer.fixture.ts';
import { serveRpc } from './rpc-server.ts';

const runtime = createNodeRuntime();
const parts = { ...runtime, timers: new TimerWheel(runtime.clock) };
const ANY = { host: '127.0.0.1', port: 0 };

async function serve(accept: RpcAccept) {
  const listener = await serveRpc(parts, silentLog, ANY, accept);
  const call = (): { readonly peer: Peer; readonly stream: RpcStream } => {
    const peer = new Peer();
    return { peer, stream: runtime.rpc.open({ address: listener.address, tls: null }, '/a.B/C', peer) };
  };
  return { listener, call };
}

function echo(served: Peer[], streams: RpcStream[]): RpcAccept {
  return (stream) => {
    const peer = new Peer();
    peer.onMessageDo = (message) => stream.send(message);
    served.push(peer);
    streams.push(stream);
    return peer;
  };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
}

test('messages of every size go both ways in order, and the status of the server ends the call at both ends', async () => {
  const [served, streams]: [Peer[], RpcStream[]] = [[], []];
  const { listener, call } = await serve(echo(served, streams));
  const { peer, stream } = call();
  const sizes = [0, 1, 5, 16_384, 70_000, 3_000_000];
  for (const size of sizes) stream.send(new Uint8Array(size).fill(size % 251));
  await until(() => peer.messages.length === sizes.length);
  assert.deepEqual(
    peer.messages.map(({ length }) => length),
    sizes,
  );
  assert.ok(peer.messages.every((message) => message.every((byte) => byte === message.length % 251)));
  streams[0]?.end({ code: 9, message: 'enough – “now”' });
  const status = { code: 9, message: 'enough – “now”' };
  assert.deepEqual([await peer.closed.promise, await served[0]?.closed.promise], [status, status]);
  await listener.close();
});

test('what is said while a stream is accepted comes after the head, even an end', async () => {
  const { listener, call } = await serve((stream) => {
    stream.send(new Uint8Array(7));
    stream.end({ code: 5, message: 'gone' });
    return new Peer();
  });
  const { peer } = call();
  assert.deepEqual(await peer.closed.promise, { code: 5, message: 'gone' });
  assert.equal(peer.messages[0]?.length, 7);
  await listener.close();
});

test('a refusal is its status; a client that ends or goes is known to have; a server that stops takes its streams along', async () => {
  const refusing = await serve(() => ({ code: 12, message: 'no such method' }));
  assert.deepEqual(await refusing.call().peer.closed.promise, { code: 12, message: 'no such method' });
  await refusing.listener.close();

  const [served, streams]: [Peer[], RpcStream[]] = [[], []];
  const { listener, call } = await serve(echo(served, streams));
  const ending = call();
  ending.stream.send(new Uint8Array(3));
  ending.stream.end();
  assert.equal((await ending.peer.closed.promise).code, 0);
  assert.equal((await served[0]?.closed.promise)?.code, 0);

  const going = call();
  going.stream.send(new Uint8Array(3));
  await until(() => going.peer.messages.length === 1);
  going.stream.destroy();
  // Node's client ends a stream before it resets it.
  assert.ok([0, 1, 14].includes((await served[1]?.closed.promise)?.code ?? -1));

  const staying = call();
  staying.stream.send(new Uint8Array(3));
  await until(() => staying.peer.messages.length === 1);
  await listener.close();
  assert.equal((await staying.peer.closed.promise).code, 14);
  assert.equal((await served[2]?.closed.promise)?.code, 14);
});

test('back-pressure holds both ways: a peer that pauses, a server that does', async () => {
  const [served, streams]: [Peer[], RpcStream[]] = [[], []];
  const { listener, call } = await serve(echo(served, streams));
  const { peer, stream } = call();
  stream.send(new Uint8Array(1));
  await until(() => peer.messages.length === 1);
  const [callee, down] = [served[0], streams[0]];
  assert.ok(callee && down);
  callee.onMessageDo = () => {};
  const total = 300;
  const flood = (from: RpcStream, told: Peer): { sent: number } => {
    const state = { sent: 0 };
    const fill = (): void => {
      for (; state.sent < total && from.writable; state.sent++) from.send(new Uint8Array(100_000));
    };
    told.onWritableDo = fill;
    fill();
    return state;
  };
  down.pause();
  const up = flood(stream, peer);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.ok(callee.messages.length < total / 2 && up.sent < total, `${callee.messages.length} came, ${up.sent} sent`);
  down.resume();
  await until(() => callee.messages.length === total + 1);
  stream.pause();
  const back = flood(down, callee);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.ok(peer.messages.length < total / 2 && back.sent < total, `${peer.messages.length} came, ${back.sent} sent`);
  stream.resume();
  await until(() => peer.messages.length === total + 1);
  await listener.close();
});

test('what is no gRPC call is told so, and hurts nobody', async () => {
  const { listener } = await serve(() => new Peer());
  const session = connect(`http://127.0.0.1:${listener.address.port}`);
  const status = await new Promise((resolve, reject) => {
    const request = session.request({ ':method': 'POST', ':path': '/x', 'content-type': 'text/plain' });
    request.on('response', (head) => resolve(head[':status']));
    request.on('error', reject);
    request.end('hello');
  });
  assert.equal(status, 415);
  session.destroy();
  await listener.close();
});

test('connections are bounded', async () => {
  const { listener, call } = await serve(() => new Peer());
  const sessions = Array.from({ length: 70 }, () => connect(`http://127.0.0.1:${listener.address.port}`));
  let refused = 0;
  for (const session of sessions) {
    session.on('error', () => {});
    session.on('close', () => refused++);
  }
  await until(() => refused === 6);
  assert.equal((await call().peer.closed.promise).code, 14);
  for (const session of sessions) session.destroy();
  await listener.close();
});
