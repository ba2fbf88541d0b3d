import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  answerWith,
  get,
  ok,
  type RawPeer,
  responseOf,
  type SimMesh,
  startMesh,
  svidOf,
} from '../../../test/support/sim-mesh.ts';

const fired = (text: string, limit: string): boolean =>
  new RegExp(`^weft_limit\\w*\\{[^}]*limit="${limit}"[^}]*\\} [1-9]`, 'm').test(text);

async function ask(mesh: SimMesh, peer: RawPeer, path = '/') {
  peer.take(peer.bytes.length);
  peer.send(get(path));
  await mesh.sim.run(() => responseOf(peer) !== null || peer.closed !== null || peer.ended, 5_000);
  return responseOf(peer);
}

test('HTTP/1.1: the last request that a connection may carry is told so, and the connection ends', async () => {
  const mesh = await startMesh({ seed: 1, manager: { maxRequestsPerConnection: 3 } });
  const peer = mesh.connect();
  for (const last of [false, false, true]) {
    const response = await ask(mesh, peer);
    assert.equal(response?.status, 200);
    await mesh.sim.run(undefined, 5);
    assert.equal(/^connection: close\r$/im.test(peer.text), last);
    assert.equal(peer.ended, last);
  }
  assert.ok(fired(mesh.web.telemetry.prometheus(), 'max_requests_per_connection'));
});

test('HTTP/2: more requests than a connection may carry go on the next one, and none is lost', async () => {
  const mesh = await startMesh({ seed: 2, inner: 'weft-http1', inbound: { maxRequestsPerConnection: 5 } });
  const peers = Array.from({ length: 4 }, () => mesh.connect());
  for (let round = 0; round < 10; round++) {
    const responses = await Promise.all(peers.map((peer) => ask(mesh, peer)));
    assert.ok(responses.every((response) => response?.status === 200));
  }
  const { hosts } = mesh.web.clusters.current.get('catalog.shop') ?? {};
  assert.equal(hosts?.[0]?.failures, 0);
  assert.ok(fired(mesh.services[0]?.plane.telemetry.prometheus() ?? '', 'max_requests_per_connection'));
  await mesh.sim.run(undefined, 20_000);
  assert.ok((mesh.services[0]?.plane.listeners.active[0]?.connections ?? 9) <= 1, 'those that were asked to go went');
});

for (const inner of ['http/1.1', 'weft-http1'] as const) {
  test(`${inner}: a connection that is too old ends, what it carries is finished, and nothing fails`, async () => {
    let slow: RawPeer | null = null;
    const mesh = await startMesh({
      seed: 3,
      inner,
      inbound: { maxConnectionDurationMs: 2_000, drainTimeoutMs: 500 },
      app: (peer) =>
        answerWith(peer, (request) => {
          if (!request.startsWith('GET /slow')) return ok('fast');
          slow = peer;
          return null;
        }),
    });
    const waiting = mesh.connect();
    waiting.send(get('/slow'));
    const peer = mesh.connect();
    for (let i = 0; i < 60; i++) {
      const response = await ask(mesh, peer);
      assert.equal(response?.status, 200, peer.text);
      await mesh.sim.run(undefined, 100);
    }
    assert.ok(fired(mesh.services[0]?.plane.telemetry.prometheus() ?? '', 'max_connection_duration'));
    assert.equal(waiting.text, '');
    (slow as RawPeer | null)?.send(ok('slow'));
    await mesh.sim.run(() => responseOf(waiting) !== null, 1_000);
    assert.equal(responseOf(waiting)?.status, 200);
    await mesh.sim.run(undefined, 4_000);
    assert.equal(mesh.services[0]?.plane.listeners.active[0]?.connections, 0);
  });
}

test('a connection is asked to go before the certificate of its client ends, and no request fails for it', async () => {
  const mesh = await startMesh({ seed: 4, inner: 'weft-http1' });
  const peer = mesh.connect();
  mesh.webSvid.set(await svidOf('web', 'short', 8_000));
  const counted = (): boolean =>
    fired(mesh.services[0]?.plane.telemetry.prometheus() ?? '', 'peer_certificate_lifetime');
  for (let i = 0; i < 70; i++) {
    assert.equal((await ask(mesh, peer))?.status, 200, peer.text);
    if (i < 40) assert.ok(!counted(), `after ${i * 100} ms`);
    await mesh.sim.run(undefined, 100);
  }
  assert.ok(counted());
});
