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
} from '../../../test/support/sim-mesh.ts';

async function ask(mesh: SimMesh, peer: RawPeer): Promise<ReturnType<typeof responseOf>> {
  peer.take(peer.bytes.length);
  peer.send(get('/'));
  await mesh.sim.run(() => responseOf(peer) !== null || peer.closed !== null, 10_000);
  return responseOf(peer);
}

function refused(mesh: SimMesh, reason: string): number {
  return mesh.web.telemetry.counters.counter('weft_overload_refused_total', { reason }).value;
}

test('short memory refuses new connections, then requests, with the reason; when it is over everything goes on', async () => {
  const mesh = await startMesh({ seed: 1 });
  const open = mesh.connect();
  assert.equal((await ask(mesh, open))?.status, 200);
  mesh.sim.memoryShare = 0.9;
  await ask(mesh, open);
  await mesh.sim.run(() => false, 1_000);
  const late = mesh.connect();
  await mesh.sim.run(() => late.closed !== null, 1_000);
  assert.notEqual(late.closed, null, 'a new connection is closed');
  assert.equal((await ask(mesh, open))?.status, 200, 'an open one goes on');
  mesh.sim.memoryShare = 0.95;
  await mesh.sim.run(() => false, 1_000);
  const answer = await ask(mesh, open);
  assert.equal(answer?.status, 503);
  assert.match(answer?.head ?? '', /x-weft-flag: OM/);
  assert.equal(answer?.body, 'weft: overloaded: memory is short (OM)\n');
  assert.ok(refused(mesh, 'memory') >= 2);
  mesh.sim.memoryShare = 0.5;
  await mesh.sim.run(() => false, 1_000);
  assert.equal((await ask(mesh, open))?.status, 200, 'the same connection carries on');
  assert.equal((await ask(mesh, mesh.connect()))?.status, 200);
});

test('critical memory cuts the clients that read slowest, and no others', async () => {
  const body = 'x'.repeat(2_000_000);
  const mesh = await startMesh({
    seed: 2,
    app: (peer) => answerWith(peer, (request) => ok(request.startsWith('GET /big') ? body : 'fine')),
  });
  const slow = mesh.connect();
  slow.connection.pause();
  slow.send(get('/big'));
  const idle = mesh.connect();
  assert.equal((await ask(mesh, idle))?.status, 200);
  mesh.sim.memoryShare = 0.95;
  await ask(mesh, idle);
  const connections = (): number => mesh.web.listeners.active.reduce((sum, each) => sum + each.connections, 0);
  await mesh.sim.run(() => connections() === 1, 5_000);
  assert.equal(connections(), 1);
  assert.equal(idle.closed, null);
});

test('nothing is looked at while nothing comes', async () => {
  const mesh = await startMesh({ seed: 3 });
  await ask(mesh, mesh.connect());
  await mesh.sim.run(() => false, 10_000);
  const before = mesh.sim.eventCount;
  await mesh.sim.run(() => false, 2_000);
  assert.ok(mesh.sim.eventCount - before < 20, `${mesh.sim.eventCount - before} events in two idle seconds`);
});
