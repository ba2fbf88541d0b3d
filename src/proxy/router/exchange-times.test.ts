import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Filter } from '../../http/filter.ts';
import { Head } from '../../http/head.ts';
import { SUSPENDED } from '../../http/verdict.ts';
import { startHops } from './test/two-hops.ts';
import { answerWith, get, ok, type RawPeer, type SimMesh, startMesh } from '../../../test/support/sim-mesh.ts';

const CHUNKED = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';

/** Sends, and waits for the end of the connection or a whole refusal. */
async function outcome(mesh: SimMesh, request: string): Promise<{ text: string; afterMs: number; peer: RawPeer }> {
  const peer = mesh.connect();
  const before = mesh.sim.nowMs;
  peer.send(request);
  await mesh.sim.run(() => peer.closed !== null || /\(\w+\)\n$/.test(peer.text), 400_000);
  return { text: peer.text, afterMs: mesh.sim.nowMs - before, peer };
}

/** Answers with a chunk each `everyMs`, without an end. */
const trickle =
  (mesh: () => SimMesh, everyMs: number) =>
  (peer: RawPeer): void =>
    answerWith(peer, () => {
      const more = (): void => {
        if (peer.closed !== null) return;
        peer.send('1\r\nx\r\n');
        mesh().services[0]?.runtime.clock.wake(mesh().sim.nowMs + everyMs, more);
      };
      peer.send(CHUNKED);
      more();
      return null;
    });

test('the idle timeout of a route stands in for that of the listener, both ways', async () => {
  const short = await startMesh({ seed: 1, route: { idleTimeoutMs: 4_000 }, app: () => {} });
  const ended = await outcome(short, get('/'));
  assert.match(ended.text, /504[^]*no byte for 4 s \(UT\)/);
  assert.ok(ended.afterMs >= 4_000 && ended.afterMs < 5_500, `${ended.afterMs} ms`);
  const manager = { streamIdleTimeoutMs: 2_000 };
  const long = await startMesh({ seed: 1, manager, route: { idleTimeoutMs: 20_000 }, app: () => {} });
  const later = await outcome(long, get('/'));
  assert.ok(later.afterMs >= 20_000 && later.afterMs < 26_000, `${later.afterMs} ms`);
});

test('a stream lasts as long as it may, whatever moves on it', async () => {
  const mesh: SimMesh = await startMesh({ seed: 2, route: { maxDurationMs: 3_000 }, app: (peer) => moving(peer) });
  const moving = trickle(() => mesh, 500);
  const { text, afterMs, peer } = await outcome(mesh, get('/'));
  assert.match(text, /^HTTP\/1\.1 200 /);
  assert.notEqual(peer.closed, null);
  assert.ok(afterMs >= 2_990 && afterMs < 3_100, `${afterMs} ms`);
  assert.match(mesh.web.telemetry.prometheus(), /flag="DT"/);
});

test('an upload that lasts too long is answered so', async () => {
  const mesh = await startMesh({ seed: 3, route: { maxDurationMs: 3_000 }, app: () => {} });
  const { text } = await outcome(mesh, 'POST / HTTP/1.1\r\nhost: catalog\r\ncontent-length: 9\r\n\r\nabc');
  assert.match(text, /^HTTP\/1\.1 408 [^]*\(DT\)\n$/);
});

test('the duration that a listener allows holds for routes that say nothing of it, and zero of a route lifts it', async () => {
  const manager = { maxStreamDurationMs: 2_000 };
  const silent = await startMesh({ seed: 7, manager, app: () => {} });
  const late = await outcome(silent, get('/'));
  assert.match(late.text, /^HTTP\/1\.1 504 [^]*\(DT\)\n$/);
  assert.ok(late.afterMs >= 1_990 && late.afterMs < 2_100, `${late.afterMs} ms`);
  const upload = await outcome(silent, 'POST / HTTP/1.1\r\nhost: catalog\r\ncontent-length: 9\r\n\r\nabc');
  assert.match(upload.text, /^HTTP\/1\.1 408 [^]*\(DT\)\n$/);
  for (const [maxDurationMs, atLeast] of [
    [0, 20_000],
    [6_000, 5_990],
  ] as const) {
    const route = { maxDurationMs, idleTimeoutMs: 20_000 };
    const mesh = await startMesh({ seed: 8, manager, route, app: () => {} });
    const { afterMs } = await outcome(mesh, get('/'));
    assert.ok(afterMs >= atLeast && afterMs < atLeast * 1.3, `${afterMs} ms`);
  }
});

test('the duration that a listener allows goes on while a filter waits for something', async () => {
  let ended = 0;
  const filters: readonly Filter[] = [{ onRequest: () => SUSPENDED, onEnd: () => void ended++ }];
  const hops = await startHops({ down: 'h1', up: 'h1', manager: { maxStreamDurationMs: 2_000 }, filters });
  const head = Head.request('GET', '/', 'app');
  const { got } = hops.ask(head, true);
  head.free();
  const before = hops.sim.nowMs;
  await hops.run(() => got.head !== null);
  assert.equal(got.head?.status, 504);
  assert.ok(hops.sim.nowMs - before < 2_100);
  assert.deepEqual([ended, hops.arrived.length], [1, 0]);
});

test('the request timeout counts from the end of the request', async () => {
  const mesh = await startMesh({ seed: 4, route: { timeoutMs: 1_000 }, app: () => {} });
  const peer = mesh.connect();
  peer.send('POST / HTTP/1.1\r\nhost: catalog\r\ncontent-length: 6\r\n\r\nabc');
  await mesh.sim.run(undefined, 5_000);
  assert.equal(peer.text, '');
  peer.send('def');
  const before = mesh.sim.nowMs;
  await mesh.sim.run(() => peer.text.endsWith('(UT)\n'), 10_000);
  assert.ok(Math.abs(mesh.sim.nowMs - before - 1_000) < 50);
});

test('a response that trickles meets the request timeout and is cut, not ended', async () => {
  const mesh: SimMesh = await startMesh({ seed: 5, route: { timeoutMs: 2_000 }, app: (peer) => moving(peer) });
  const moving = trickle(() => mesh, 300);
  const { text, afterMs } = await outcome(mesh, get('/'));
  assert.doesNotMatch(text, /\r\n0\r\n/);
  assert.ok(afterMs >= 1_990 && afterMs < 2_100, `${afterMs} ms`);
});

test('a request without the cookie of its route gets one, and keeps its own from then on', async () => {
  const cookie = {
    kind: 'cookie',
    name: Buffer.from('sid'),
    ttlMs: 60_000,
    attributes: '; Max-Age=60',
    terminal: false,
  } as const;
  const mesh = await startMesh({
    seed: 6,
    route: { hash: [cookie] },
    app: (peer) => answerWith(peer, () => ok('fine')),
  });
  const ask = async (fields: string): Promise<string> => {
    const peer = mesh.connect();
    peer.send(get('/', fields));
    await mesh.sim.run(() => peer.text.endsWith('fine'), 1_000);
    return peer.text;
  };
  assert.match(await ask(''), /^set-cookie: sid=[0-9a-f]{16}; Max-Age=60\r$/m);
  assert.doesNotMatch(await ask('cookie: a=1; sid=2\r\n'), /set-cookie/);
});

test('a tunnel outlives the request timeout, whatever moves in it', async () => {
  const mesh = await startMesh({
    seed: 8,
    route: { upgrades: ['websocket'], timeoutMs: 2_000 },
    app: (peer) => {
      peer.onText = () => {
        if (peer.text.includes('GET ')) {
          peer.send('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
        } else peer.send(`<${peer.text}>`);
        peer.take(peer.bytes.length);
      };
    },
  });
  const peer = mesh.connect();
  peer.send(get('/ws', 'connection: upgrade\r\nupgrade: websocket\r\n'));
  await mesh.sim.run(undefined, 10_000);
  assert.equal(peer.closed, null);
  peer.send('ping');
  await mesh.sim.run(() => peer.text.endsWith('<ping>'), 1_000);
  assert.match(peer.text, /^HTTP\/1\.1 101 [^]*<ping>$/);
});
