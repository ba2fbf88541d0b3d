import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RETRIES } from '../../../test/support/proxy-snapshots.ts';
import {
  answerWith,
  get,
  type MeshOptions,
  ok,
  type RawPeer,
  responseOf,
  type SimMesh,
  startMesh,
} from '../../../test/support/sim-mesh.ts';

const UNSEEN_ONLY = { ...RETRIES, onReset: false, statusCodes: [] };

const start = (options: Partial<MeshOptions>): Promise<SimMesh> =>
  startMesh({ seed: 1, inner: 'weft-http1', ...options });

function post(body: string): string {
  return `POST /x HTTP/1.1\r\nhost: catalog\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

async function answerTo(mesh: SimMesh, request: string): Promise<RawPeer> {
  const peer = mesh.connect();
  peer.send(request);
  await mesh.sim.run(() => responseOf(peer) !== null || peer.closed !== null, 60_000);
  return peer;
}

test('requests of many clients share one connection between the sidecars', async () => {
  const mesh = await start({ app: (peer) => answerWith(peer, (request) => ok(request.slice(-5))) });
  const peers = Array.from({ length: 20 }, (_, i) => {
    const peer = mesh.connect();
    peer.send(post(`body${i % 10}`));
    return peer;
  });
  await mesh.sim.run(() => peers.every((peer) => responseOf(peer) !== null), 5_000);
  for (const [i, peer] of peers.entries()) assert.equal(responseOf(peer)?.body, `body${i % 10}`);
  const host = mesh.web.clusters.current.get('catalog.shop')?.hosts[0];
  const { busy, idle } = host?.http?.sizes ?? { busy: -1, idle: -1 };
  assert.equal(busy + idle, 1);
});

test('an instance that is drained again and again costs no POST, and none is seen twice', async () => {
  const seen = new Map<string, number>();
  const mesh = await start({
    instances: 2,
    route: { retry: UNSEEN_ONLY },
    app: (peer) =>
      answerWith(peer, (request) => {
        const body = request.slice(request.indexOf('\r\n\r\n') + 4);
        seen.set(body, (seen.get(body) ?? 0) + 1);
        return ok(body);
      }),
  });
  const peers: RawPeer[] = [];
  for (let round = 0; round < 6; round++) {
    for (let i = 0; i < 20; i++) {
      const peer = mesh.connect();
      peers.push(peer);
      peer.send(post(`${round}-${i}`));
      await mesh.sim.run(undefined, 3);
      if (i === 10) {
        for (const listener of mesh.services[round % 2]?.plane.listeners.active ?? []) listener.drainServed(50);
      }
    }
  }
  await mesh.sim.run(() => peers.every((peer) => responseOf(peer) !== null), 60_000);
  for (const peer of peers) assert.equal(responseOf(peer)?.status, 200, peer.text);
  assert.equal(seen.size, 120);
  for (const [body, times] of seen) assert.equal(times, 1, body);
});

test('a gRPC call passes the pair with its trailers, and its status is counted at both ends', async () => {
  const mesh = await start({
    app: (peer) =>
      answerWith(
        peer,
        () =>
          'HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ntransfer-encoding: chunked\r\n\r\n5\r\n\0\0\0\0\0\r\n0\r\ngrpc-status: 5\r\n\r\n',
      ),
  });
  const fields = 'content-type: application/grpc\r\nte: trailers\r\n';
  const peer = mesh.connect();
  peer.send(`POST /a.B/C HTTP/1.1\r\nhost: catalog\r\n${fields}content-length: 5\r\n\r\n\0\0\0\0\0`);
  await mesh.sim.run(() => peer.text.includes('grpc-status: 5\r\n\r\n'), 5_000);
  assert.match(peer.text, /\r\n0\r\ngrpc-status: 5\r\n\r\n$/);
  await mesh.sim.run(undefined, 100);
  for (const plane of [mesh.web, mesh.services[0]?.plane]) {
    assert.match(plane?.telemetry.prometheus() ?? '', /weft_requests_total\{.*code="200".*grpc_status="5".*\} 1/);
  }
});

test('a WebSocket passes the pair over HTTP/2, each half closing by itself', async () => {
  const mesh = await start({
    route: { upgrades: ['websocket'] },
    app: (peer) => {
      peer.onText = () => {
        const key = /^sec-websocket-key: (.*)\r$/im.exec(peer.text)?.[1];
        if (!peer.text.includes('\r\n\r\n')) return;
        assert.equal(key, 'dGhlIHNhbXBsZSBub25jZQ==');
        peer.take(peer.bytes.length);
        peer.send(
          'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
        );
        peer.onText = () => {
          if (peer.bytes.length > 0) peer.send(`<${peer.text}>`);
          peer.take(peer.bytes.length);
          if (!peer.ended) return;
          peer.send('bye');
          peer.connection.end();
        };
      };
    },
  });
  const peer = mesh.connect();
  peer.send(get('/ws', 'connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n'));
  await mesh.sim.run(() => peer.text.includes('\r\n\r\n'), 2_000);
  assert.match(peer.text, /^HTTP\/1\.1 101 /);
  assert.match(peer.text, /^sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r$/m);
  assert.equal(mesh.web.telemetry.tunnels.value, 1);
  peer.send('ping');
  await mesh.sim.run(() => peer.text.endsWith('<ping>'), 2_000);
  peer.connection.end();
  await mesh.sim.run(() => peer.ended, 2_000);
  assert.match(peer.text, /<ping>bye$/);
  assert.equal(mesh.web.telemetry.tunnels.value, 0);
});

test('a request timeout, a hedge and a client that leaves end streams, not the connection', async () => {
  const open: RawPeer[] = [];
  const mesh = await start({
    route: { timeoutMs: 500, retry: null },
    app: (peer) => answerWith(peer, (request) => (request.includes('/slow') ? (open.push(peer), null) : ok('fast'))),
  });
  assert.equal(responseOf(await answerTo(mesh, get('/')))?.body, 'fast');
  const late = await answerTo(mesh, get('/slow'));
  assert.equal(responseOf(late)?.status, 504);
  const leaver = mesh.connect();
  leaver.send(get('/slow'));
  await mesh.sim.run(() => open.length === 2, 1_000);
  leaver.connection.destroy('gone');
  await mesh.sim.run(() => open.every(({ closed }) => closed !== null), 2_000);
  assert.ok(
    open.every(({ closed }) => closed !== null),
    'the application is told',
  );
  assert.equal(responseOf(await answerTo(mesh, get('/')))?.body, 'fast');
  const host = mesh.web.clusters.current.get('catalog.shop')?.hosts[0];
  assert.equal(host?.http?.sizes.idle, 1);
  assert.equal(mesh.web.clusters.current.get('catalog.shop')?.circuit.active, 0);
});
