/**
 * A day of a mesh in a few seconds: clients come, go and break off, endpoints, routes and certificates change, hosts
 * lose each other. In the end nothing is left of it: no connection, no timer, no request, no series more than before.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Series } from '../../src/core/counters.ts';
import type { DataPlane } from '../../src/proxy/data-plane.ts';
import { SeededRandom } from '../../src/runtime/sim/random.ts';
import { answerWith, get, ok, type RawPeer, type SimMesh, startMesh, svidOf, TCP_PORT } from '../support/sim-mesh.ts';

const HOURS = 24;
const MINUTE_MS = 60_000;
const DAY_MS = (HOURS + 12) * 60 * MINUTE_MS;
/** Idle connections of clients end after an hour, raw ones of old configurations after ten minutes. */
const QUIET_MINUTES = 130;
const INSTANCES = 3;
const ACCESS_LOG = '/access.log';
const MAX_SERIES = 100;
const MAX_GROWTH_BYTES = 2 ** 21;

const BIG = 'x'.repeat(150_000);
const BODY = 'y'.repeat(2_000);
const POST = `POST /p HTTP/1.1\r\nhost: catalog\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`;

/** Closes when the other side has, as programs do. */
function polite(peer: RawPeer): RawPeer {
  const { onText } = peer;
  peer.onText = () => {
    onText();
    if (peer.ended) peer.connection.end();
  };
  return peer;
}

function client(mesh: SimMesh, port?: number): RawPeer {
  return polite(mesh.connect(port));
}

/** What clients do; each takes some seconds of virtual time at most, unless it leaves something open. */
const VISITS: readonly ((mesh: SimMesh, random: SeededRandom) => void)[] = [
  (mesh) => {
    const peer = client(mesh);
    for (let i = 0; i < 3; i++) peer.send(get('/'));
    mesh.sim.after(500, () => peer.connection.end());
  },
  (mesh) => {
    const peer = client(mesh);
    peer.send(POST);
    mesh.sim.after(1_000, () => peer.connection.destroy('done'));
  },
  // Breaks off: within a head, a body, a response.
  (mesh, random) => {
    const peer = client(mesh);
    peer.send(get('/').slice(0, 10));
    mesh.sim.after(random.below(3_000), () => peer.connection.destroy('gone'));
  },
  (mesh, random) => {
    const peer = client(mesh);
    peer.send(POST.slice(0, -1_000));
    mesh.sim.after(random.below(3_000), () => peer.connection.destroy('gone'));
  },
  (mesh, random) => {
    const peer = client(mesh);
    peer.send(get('/big'));
    mesh.sim.after(random.below(60), () => peer.connection.destroy('gone'));
  },
  (mesh) => {
    const peer = client(mesh);
    peer.send(get('/hang'));
    mesh.sim.after(2_000, () => peer.connection.end());
  },
  // Stays: without a word, after one, without reading.
  (mesh) => void client(mesh),
  (mesh) => client(mesh).send(get('/')),
  (mesh) => {
    const peer = client(mesh);
    peer.connection.pause();
    peer.send(get('/big'));
    // It was ended long ago, and finds that out when it reads.
    mesh.sim.after(100 * MINUTE_MS, () => peer.connection.resume());
  },
  (mesh) => {
    const peer = client(mesh, TCP_PORT);
    peer.send(get('/'));
    mesh.sim.after(700, () => peer.connection.end());
  },
];

test(`${HOURS} hours of churn leave nothing behind`, async (t) => {
  const mesh = await startMesh({
    seed: 24,
    inner: 'weft-http1',
    instances: INSTANCES,
    app: (peer) => {
      answerWith(peer, (request) => {
        if (request.startsWith('GET /hang')) return null;
        return ok(request.startsWith('GET /big') ? BIG : 'fine');
      });
      polite(peer);
    },
  });
  const random = new SeededRandom(7);
  await rotate(mesh, 0);
  // The first hours compile the code and fill the pools.
  await churn(mesh, random, 4);
  const before = await quiet(mesh);
  const heapBefore = heapBytes();
  const visits = await churn(mesh, random, HOURS - 4);
  const after = await quiet(mesh);
  const grown = heapBytes() - heapBefore;
  t.diagnostic(
    `${visits} visits, ${mesh.sim.eventCount} events; ${JSON.stringify(after)}; heap ${Math.round(grown / 1024)} KiB more`,
  );
  assert.deepEqual(after, before);
  assert.deepEqual([after.connections, after.active, Math.max(...after.timers)], [0, 0, 0]);
  assert.ok(seriesOf(mesh).length < MAX_SERIES, 'what happened once more is not counted anew');
  assert.ok(grown < MAX_GROWTH_BYTES, `${grown} bytes more of heap`);
});

async function churn(mesh: SimMesh, random: SeededRandom, hours: number): Promise<number> {
  let visits = 0;
  for (let minute = 1; minute <= hours * 60; minute++) {
    VISITS[random.below(VISITS.length)]?.(mesh, random);
    visits++;
    mesh.sim.runSync(undefined, MINUTE_MS);
    if (minute % 10 === 0) await change(mesh, random, minute);
    if (minute % 60 === 0) {
      await rotate(mesh, minute);
      forgetLogs(mesh);
    }
  }
  return visits;
}

/** Some endpoints, another timeout, now and then a host that nobody reaches. */
async function change(mesh: SimMesh, random: SeededRandom, minute: number): Promise<void> {
  const all = Array.from({ length: INSTANCES }, (_, i) => i);
  const instances = all.filter((i) => i === minute % INSTANCES || random.below(2) === 0);
  mesh.configure({
    instances,
    route: { timeoutMs: 10_000 + (minute % 3) },
    cluster: { idleTimeoutMs: 15_000 + (minute % 2) },
  });
  await mesh.sim.run(() => false, 50);
  const host = mesh.services[minute % INSTANCES]?.host ?? '';
  if (minute % 30 === 0) {
    mesh.sim.network.partition('10.0.0.1', host);
    mesh.sim.after(5_000, () => mesh.sim.network.heal('10.0.0.1', host));
  }
}

async function rotate(mesh: SimMesh, minute: number): Promise<void> {
  mesh.webSvid.set(await svidOf('web', `day ${minute}`, DAY_MS));
  for (const { svid } of mesh.services) svid.set(await svidOf('catalog', `day ${minute}`, DAY_MS));
  await mesh.sim.run(() => false, 10);
}

interface Left {
  readonly connections: number;
  readonly timers: readonly number[];
  readonly active: number;
  /** Those that are not zero. */
  readonly gauges: readonly string[];
}

/** What there is when everybody has gone and every idle time is over. */
async function quiet(mesh: SimMesh): Promise<Left> {
  mesh.configure({ instances: [0, 1, 2], route: { timeoutMs: 10_000 }, cluster: { idleTimeoutMs: 15_000 } });
  await mesh.sim.run(() => false, 50);
  for (let i = 0; i < QUIET_MINUTES; i++) mesh.sim.runSync(undefined, MINUTE_MS);
  forgetLogs(mesh);
  return {
    connections: mesh.sim.network.openConnections,
    timers: [mesh.webTimers.size, ...mesh.services.map(({ timers }) => timers.size)],
    active: planesOf(mesh).reduce((sum, { telemetry }) => sum + telemetry.active.value, 0),
    gauges: seriesOf(mesh)
      .filter(({ kind, value }) => kind === 'gauge' && value !== 0)
      .map(({ name, value }) => `${name} ${value}`),
  };
}

function planesOf(mesh: SimMesh): readonly DataPlane[] {
  return [mesh.web, ...mesh.services.map(({ plane }) => plane)];
}

function seriesOf(mesh: SimMesh): readonly Series[] {
  return planesOf(mesh).flatMap(({ telemetry }) => [...telemetry.counters.series()]);
}

function forgetLogs(mesh: SimMesh): void {
  mesh.webLog.lines.length = 0;
  mesh.client.files.files.delete(ACCESS_LOG);
  for (const { log, runtime } of mesh.services) {
    log.lines.length = 0;
    runtime.files.files.delete(ACCESS_LOG);
  }
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}
