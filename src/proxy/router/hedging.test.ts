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

const ON_TIMEOUT = { initialTries: 1, extraChance: 0, onPerTryTimeout: true };
const POST = 'POST / HTTP/1.1\r\nhost: catalog\r\ncontent-length: 3\r\n\r\nabc';

interface Asked {
  readonly mesh: SimMesh;
  /** Requests in the order in which apps saw them. */
  readonly seen: { readonly peer: RawPeer; readonly instance: number; readonly text: string }[];
}

/** Three instances that answer nothing by themselves. */
async function start(route: MeshOptions['route']): Promise<Asked> {
  const seen: Asked['seen'] = [];
  const mesh = await startMesh({
    seed: 1,
    instances: 3,
    route: { retry: { ...RETRIES, perTryTimeoutMs: 500 }, ...route },
    app: (peer, instance) => answerWith(peer, (text) => (seen.push({ peer, instance, text }), null)),
  });
  return { mesh, seen };
}

async function send({ mesh }: Asked, request: string): Promise<RawPeer> {
  const peer = mesh.connect();
  peer.send(request);
  await mesh.sim.run(undefined, 200);
  return peer;
}

const activeIn = (mesh: SimMesh): (number | undefined)[] => {
  const circuit = mesh.web.clusters.current.get('catalog.shop')?.circuit;
  return [circuit?.active, circuit?.activeRetries];
};

test('a try that is late goes on beside the next one, and the first answer ends the other', async () => {
  for (const winner of [0, 1]) {
    const asked = await start({ hedge: ON_TIMEOUT });
    const { mesh, seen } = asked;
    const peer = await send(asked, get('/'));
    assert.equal(seen.length, 1);
    await mesh.sim.run(() => seen.length === 2, 600);
    assert.notEqual(seen[0]?.instance, seen[1]?.instance);
    assert.deepEqual(activeIn(mesh), [2, 1]);
    seen[winner]?.peer.send(ok(`from ${winner}`));
    await mesh.sim.run(() => responseOf(peer) !== null, 1_000);
    assert.equal(responseOf(peer)?.body, `from ${winner}`);
    await mesh.sim.run(undefined, 1_000);
    assert.notEqual(seen[1 - winner]?.peer.closed, null, 'the loser is told');
    assert.deepEqual(activeIn(mesh), [0, 0]);
  }
});

test('a bad answer does not win while another try goes on, and passes when it is the last', async () => {
  const asked = await start({ hedge: ON_TIMEOUT, retry: { ...RETRIES, retries: 1, perTryTimeoutMs: 500 } });
  const { mesh, seen } = asked;
  const peer = await send(asked, get('/'));
  await mesh.sim.run(() => seen.length === 2, 600);
  seen[1]?.peer.send('HTTP/1.1 503 Busy\r\ncontent-length: 2\r\n\r\nno');
  await mesh.sim.run(undefined, 300);
  assert.equal(responseOf(peer), null);
  seen[0]?.peer.send('HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nlast');
  await mesh.sim.run(() => responseOf(peer) !== null, 1_000);
  assert.equal(responseOf(peer)?.body, 'last');
  assert.equal(seen.length, 2);
});

test('a try that breaks leaves the request to the others', async () => {
  const asked = await start({ hedge: ON_TIMEOUT });
  const { mesh, seen } = asked;
  const peer = await send(asked, get('/'));
  await mesh.sim.run(() => seen.length === 2, 600);
  seen[0]?.peer.connection.destroy('crash');
  await mesh.sim.run(undefined, 200);
  assert.equal(seen.length, 2);
  seen[1]?.peer.send(ok('fine'));
  await mesh.sim.run(() => responseOf(peer) !== null, 1_000);
  assert.equal(responseOf(peer)?.body, 'fine');
});

test('tries that begin together go to different hosts, with the whole body, as often as the budget allows', async () => {
  const asked = await start({ hedge: { initialTries: 3, extraChance: 0, onPerTryTimeout: false } });
  const { mesh, seen } = asked;
  const peer = await send(asked, POST.replace('POST', 'PUT'));
  assert.equal(new Set(seen.map(({ instance }) => instance)).size, 3);
  for (const { text } of seen) assert.match(text, /\r\n\r\nabc$/);
  seen[2]?.peer.send(ok('third'));
  await mesh.sim.run(() => responseOf(peer) !== null, 1_000);
  assert.equal(responseOf(peer)?.body, 'third');
  const limits = {
    maxConnections: 10,
    maxPending: 10,
    maxRequests: 10,
    maxRetries: 1,
    retryBudgetPercent: null,
    minRetryConcurrency: 0,
  };
  mesh.configure({ cluster: { limits } });
  seen.length = 0;
  await send(asked, get('/'));
  assert.equal(seen.length, 2);
});

test('a request that must not be acted on twice is not, unless the policy repeats such requests', async () => {
  const unseen = { ...RETRIES, perTryTimeoutMs: 500, onReset: false, statusCodes: [] };
  const hedge = { initialTries: 2, extraChance: 0, onPerTryTimeout: true };
  const asked = await start({ hedge, retry: unseen });
  const peer = await send(asked, POST);
  await asked.mesh.sim.run(() => responseOf(peer) !== null, 2_000);
  assert.equal(responseOf(peer)?.status, 504);
  assert.equal(asked.seen.length, 1);
  const repeating = await start({ hedge });
  await send(repeating, POST);
  assert.equal(repeating.seen.length, 2);
});

test('a client that leaves ends all tries', async () => {
  const asked = await start({ hedge: { initialTries: 2, extraChance: 0, onPerTryTimeout: false } });
  const peer = await send(asked, get('/'));
  assert.deepEqual(activeIn(asked.mesh), [2, 1]);
  peer.connection.destroy('gone');
  await asked.mesh.sim.run(undefined, 500);
  assert.deepEqual(activeIn(asked.mesh), [0, 0]);
});

test('the per-try timeout begins when the request is whole', async () => {
  const asked = await start({});
  const peer = await send(asked, POST.replace('abc', 'a'));
  await asked.mesh.sim.run(undefined, 3_000);
  assert.equal(responseOf(peer), null);
  peer.send('bc');
  await asked.mesh.sim.run(() => asked.seen.length >= 2, 1_000);
  assert.match(asked.seen[1]?.text ?? '', /abc$/);
});

test('a try on which nothing moves is given up, with a response begun or not', async () => {
  const asked = await start({ retry: { ...RETRIES, perTryIdleTimeoutMs: 1_000 } });
  const { mesh, seen } = asked;
  const peer = await send(asked, get('/'));
  await mesh.sim.run(() => seen.length === 2, 2_000);
  assert.equal(seen.length, 2);
  seen[1]?.peer.send('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc');
  await mesh.sim.run(() => peer.closed !== null, 3_000);
  assert.match(peer.text, /abc$/);
  assert.notEqual(peer.closed, null);
});

test('the head of a response is a sign of life, though it moves no byte of a body', async () => {
  const asked = await start({ retry: { ...RETRIES, perTryIdleTimeoutMs: 1_000 } });
  const { mesh, seen } = asked;
  const peer = await send(asked, get('/'));
  await mesh.sim.run(undefined, 700);
  seen[0]?.peer.send('HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n');
  await mesh.sim.run(undefined, 700);
  seen[0]?.peer.send('abc');
  await mesh.sim.run(() => responseOf(peer) !== null, 1_000);
  assert.equal(responseOf(peer)?.body, 'abc');
  assert.equal(seen.length, 1);
});

test('late tries are joined by others up to the number of retries, and no further', async () => {
  const asked = await start({ hedge: ON_TIMEOUT, retry: { ...RETRIES, retries: 2, perTryTimeoutMs: 500 } });
  const { mesh, seen } = asked;
  const peer = await send(asked, get('/'));
  await mesh.sim.run(undefined, 10_000);
  assert.equal(seen.length, 3);
  assert.equal(new Set(seen.map(({ instance }) => instance)).size, 3);
  assert.equal(peer.text, '');
  seen[2]?.peer.send(ok('at last'));
  await mesh.sim.run(() => responseOf(peer) !== null, 1_000);
  assert.equal(responseOf(peer)?.body, 'at last');
});

test('another try begins with so many of the requests as the policy says', async () => {
  const asked = await start({ hedge: { initialTries: 1, extraChance: 0.4, onPerTryTimeout: false } });
  const { mesh, seen } = asked;
  let doubled = 0;
  for (let i = 0; i < 50; i++) {
    const before = seen.length;
    const peer = await send(asked, get(`/${i}`));
    if (seen.length === before + 2) doubled++;
    else assert.equal(seen.length, before + 1);
    for (const { peer: app } of seen.slice(before)) app.send(ok('x'));
    await mesh.sim.run(() => responseOf(peer) !== null, 1_000);
  }
  assert.ok(doubled > 8 && doubled < 35, `${doubled} of 50`);
});
