import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  chainOf,
  clusterOf,
  forward,
  httpManager,
  listenerOf,
  routesOf,
  snapshotOf,
  tcpProxy,
} from '../../test/support/proxy-snapshots.ts';
import { SettableSvid } from '../../test/support/real-svids.ts';
import { answerWith, get, ok, planeOf, RawPeer, responseOf, svidOf } from '../../test/support/sim-mesh.ts';
import { RecordingLog } from '../core/log.ts';
import type { Address } from '../core/runtime.ts';
import { Simulation } from '../runtime/sim/simulation.ts';

const APP = { host: '10.5.0.7', port: 8080 };
const DATABASE = { host: '10.5.0.8', port: 5432 };
const HTTP = { host: '127.0.0.1', port: 15_001 };
const RAW = { host: '127.0.0.1', port: 15_002 };

/** A proxy to which the kernel redirects connections and remembers where they were meant to go. */
async function start(destinations: ReadonlyMap<number, Address>) {
  const sim = new Simulation({ seed: 3 });
  const runtime = sim.start('10.0.0.1');
  const destination = { of: ({ local }: { local: Address }) => destinations.get(local.port) ?? local };
  const web = planeOf(runtime, 'web.shop', new SettableSvid(await svidOf('web')), new RecordingLog('debug'), {
    destination,
  });
  const captured = { discovery: 'original-dst' as const, service: '', inline: null };
  const raw = { inspectTls: false, inspectHttp: false };
  const snapshot = snapshotOf({
    routes: [routesOf('out', { '/': forward('captured') })],
    listeners: [
      listenerOf('http', HTTP, [chainOf(httpManager('out'))], raw),
      listenerOf('raw', RAW, [chainOf(tcpProxy('captured'))], raw),
    ],
    clusters: [clusterOf('captured', [], captured)],
  });
  await Promise.all([web.use(web.bind(snapshot)), sim.run(() => web.listeners.active.length === 2, 1_000)]);
  for (const [at, serve] of [
    [APP, (peer: RawPeer) => answerWith(peer, () => ok('app'))],
    [DATABASE, (peer: RawPeer) => peer.send('hello\n')],
  ] as const) {
    void sim.start(at.host).net.listen(at, (connection) => {
      const peer = new RawPeer(() => connection);
      serve(peer);
      return peer;
    });
  }
  const connect = (to: Address): RawPeer => new RawPeer((peer) => runtime.net.connect(to, peer));
  return { sim, web, connect };
}

test('captured connections go where they were meant to go, requests and raw bytes, and are counted by that', async () => {
  const { sim, web, connect } = await start(
    new Map([
      [HTTP.port, APP],
      [RAW.port, DATABASE],
    ]),
  );
  const http = connect(HTTP);
  http.send(get('/'));
  await sim.run(() => responseOf(http) !== null, 2_000);
  assert.equal(responseOf(http)?.status, 200);
  assert.match(http.text, /app$/);
  const raw = connect(RAW);
  await sim.run(() => raw.text === 'hello\n', 2_000);
  assert.equal(raw.text, 'hello\n');
  assert.equal(web.telemetry.egressEdge(APP.host).requests, 1);
});

test('where nothing is captured there is nowhere to go, and no loop', async () => {
  const { sim, web, connect } = await start(new Map());
  const http = connect(HTTP);
  http.send(get('/'));
  await sim.run(() => responseOf(http) !== null, 2_000);
  assert.match(http.text, /^HTTP\/1\.1 503 [^]*no original destination outside of this proxy[^]*\(UH\)/);
  assert.equal(web.clusters.current.get('captured')?.circuit.connections.peak, 0);
});
