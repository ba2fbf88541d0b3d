/** Requests and connections that find no cluster yet: they wait, go on with what comes, and never for longer than is said. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  get,
  type MeshOptions,
  responseOf,
  type RawPeer,
  type SimMesh,
  startMesh,
  TCP_PORT,
} from '../../../test/support/sim-mesh.ts';
import type { Standing } from './on-demand.ts';

const ELSEWHERE = { withoutClusters: true } as const;
const ON_DEMAND = { manager: { demandMs: 5_000, clustersOnDemand: true }, tcp: { demandMs: 5_000 } } as const;

interface Asking {
  readonly mesh: SimMesh;
  readonly asked: () => readonly string[];
  /** What the control plane says. */
  come(): Promise<void>;
  tell(standing: Standing): Promise<void>;
}

async function asking(seed: number, options: Partial<MeshOptions> = {}): Promise<Asking> {
  const mesh = await startMesh({ seed, ...ELSEWHERE, ...ON_DEMAND, ...options });
  const { demand } = mesh.web;
  let changes = 0;
  demand.attach({ changed: () => void changes++, takeUsed: () => true });
  const asked = (): readonly string[] => [...demand.namesOf('cluster'), `${changes} times`];
  const tell = async (standing: Standing): Promise<void> => {
    demand.settle(() => standing);
    await mesh.sim.run(undefined, 100);
  };
  const come = (): Promise<void> => {
    mesh.configure({ withoutClusters: false });
    return tell('here');
  };
  return { mesh, asked, come, tell };
}

async function answered(mesh: SimMesh, peer: RawPeer): Promise<{ status: number; body: string; afterMs: number }> {
  const before = mesh.sim.nowMs;
  await mesh.sim.run(() => responseOf(peer) !== null, 20_000);
  const { status = 0, body = '' } = responseOf(peer) ?? {};
  return { status, body, afterMs: mesh.sim.nowMs - before };
}

test('requests wait with their bodies, ask once, and are answered when it has come', async () => {
  const { mesh, asked, come } = await asking(61);
  const peers = [mesh.connect(), mesh.connect(), mesh.connect()];
  for (const peer of peers) peer.send('POST / HTTP/1.1\r\nhost: catalog\r\ncontent-length: 4\r\n\r\nab');
  await mesh.sim.run(undefined, 500);
  for (const peer of peers) peer.send('cd');
  await mesh.sim.run(undefined, 500);
  assert.deepEqual(asked(), ['catalog.shop', '1 times']);
  assert.equal(mesh.web.demand.waiting.used, 3);
  await come();
  for (const peer of peers) assert.equal((await answered(mesh, peer)).status, 200);
  assert.deepEqual(asked(), ['catalog.shop', '1 times'], 'what is there is not asked for');
  assert.equal(mesh.web.demand.waiting.used, 0);
});

test('without an answer in time it is 503 with NC, for the next at once, until it has come after all', async () => {
  const { mesh, come } = await asking(62);
  const first = mesh.connect();
  first.send(get('/'));
  const late = await answered(mesh, first);
  assert.equal(late.status, 503);
  assert.match(late.body, /\(NC\)/);
  assert.ok(late.afterMs >= 4_900 && late.afterMs < 5_200, `${late.afterMs} ms`);
  const second = mesh.connect();
  second.send(get('/'));
  const next = await answered(mesh, second);
  assert.equal(next.status, 503);
  assert.ok(next.afterMs < 500, `${next.afterMs} ms`);
  await come();
  const third = mesh.connect();
  third.send(get('/'));
  assert.equal((await answered(mesh, third)).status, 200);
});

test('what there is not is answered as the route says, and a caller that has left is missed by nobody', async () => {
  const { mesh, tell } = await asking(63, { route: { notFoundStatus: 500 } });
  const [one, other] = [mesh.connect(), mesh.connect()];
  for (const peer of [one, other]) peer.send(get('/'));
  await mesh.sim.run(undefined, 100);
  other.connection.destroy('');
  await mesh.sim.run(undefined, 100);
  await tell('gone');
  assert.equal((await answered(mesh, one)).status, 500);
  assert.equal(mesh.web.demand.waiting.used, 0);
});

test('who does not ask is answered at once', async () => {
  const mesh = await startMesh({ seed: 64, ...ELSEWHERE });
  mesh.web.demand.attach({ changed: () => assert.fail('it asked'), takeUsed: () => true });
  const peer = mesh.connect();
  peer.send(get('/'));
  const { status, afterMs } = await answered(mesh, peer);
  assert.equal(status, 503);
  assert.ok(afterMs < 500, `${afterMs} ms`);
});

function echo(peer: RawPeer): void {
  peer.onText = () => {
    peer.send(peer.text);
    peer.take(peer.bytes.length);
  };
}

test('so does a connection of raw bytes, and what it has said is not lost', async () => {
  const { mesh, asked, come } = await asking(65, { app: echo });
  const [early, late] = [mesh.connect(TCP_PORT), mesh.connect(TCP_PORT)];
  early.send('hello');
  await mesh.sim.run(undefined, 1_000);
  assert.deepEqual(asked(), ['tcp', '1 times']);
  await come();
  await mesh.sim.run(() => early.text === 'hello', 1_000);
  assert.equal(early.text, 'hello');
  late.send('again');
  await mesh.sim.run(() => late.text === 'again', 1_000);
  assert.equal(late.text, 'again');
});

test('a connection ends when its cluster does not come', async () => {
  const { mesh } = await asking(66);
  const peer = mesh.connect(TCP_PORT);
  await mesh.sim.run(() => peer.closed !== null || peer.ended, 10_000);
  assert.ok(mesh.sim.nowMs >= 4_900);
});
