import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  chainOf,
  clusterOf,
  endpointAt,
  listenerOf,
  meshTls,
  mtlsChain,
  snapshotOf,
  tcpProxy,
} from '../../../test/support/proxy-snapshots.ts';
import { SettableSvid } from '../../../test/support/real-svids.ts';
import { planeOf, RawPeer, svidOf } from '../../../test/support/sim-mesh.ts';
import { RecordingLog } from '../../core/log.ts';
import type { ConnectionHandler } from '../../core/runtime.ts';
import { Simulation } from '../../runtime/sim/simulation.ts';
import { UpstreamTransport } from '../cluster/upstream-transport.ts';

const AT = { host: '127.0.0.1', port: 8000 };
const APP = { host: '127.0.0.1', port: 9000 };

/** A permissive port: TLS of the mesh, and raw bytes, both to one application. */
async function start(app: (peer: RawPeer) => void) {
  const sim = new Simulation({ seed: 43 });
  const runtime = sim.start('10.0.0.1');
  const plane = planeOf(runtime, 'web.shop', new SettableSvid(await svidOf('catalog')), new RecordingLog('debug'));
  const client = planeOf(runtime, 'web.shop', new SettableSvid(await svidOf('web')), new RecordingLog('debug'));
  void runtime.net.listen(APP, (connection) => {
    const peer = new RawPeer(() => connection);
    app(peer);
    return peer;
  });
  const chains = [mtlsChain(tcpProxy('app'), 'weft-tcp'), chainOf(tcpProxy('app'))];
  const snapshot = snapshotOf({
    listeners: [listenerOf('inbound|25', AT, chains)],
    clusters: [clusterOf('app', [endpointAt(APP)])],
  });
  void plane.use(plane.bind(snapshot));
  await sim.run(() => plane.listeners.active.length === 1, 1_000);
  return { sim, runtime, plane, identity: client.identity };
}

test('a client that half-closes before it is understood is heard to its end', async () => {
  const { sim, runtime } = await start((peer) => {
    peer.onText = () => {
      if (!peer.ended || peer.connection.closed) return;
      peer.send(`got ${peer.text}`);
      peer.connection.end();
    };
  });
  const peer = new RawPeer((each) => runtime.net.connect(AT, each));
  // Could be the method of a request.
  peer.send('QUIT');
  peer.connection.end();
  await sim.run(() => peer.ended, 10_000);
  assert.equal(peer.text, 'got QUIT');
});

/** Connects with TLS of the mesh and sends the first flight in two parts with a pause between. */
function connectSecurely(mesh: Awaited<ReturnType<typeof start>>): RawPeer {
  const { runtime, identity } = mesh;
  const transport = new UpstreamTransport(meshTls(['catalog'], 'weft-tcp'), identity, () => {});
  return new RawPeer((peer) => {
    const options = transport.options();
    assert.ok(options !== null);
    return runtime.net.secure(runtime.net.connect(AT, NOBODY), options, peer);
  });
}

const NOBODY: ConnectionHandler = { onOpen() {}, onBytes() {}, onDrained() {}, onEnd() {}, onClose() {} };

test('a server that speaks first to a plain client takes no TLS away from the next one', async () => {
  const mesh = await start((peer) => peer.send('220 ready\r\n'));
  const plain = new RawPeer((peer) => mesh.runtime.net.connect(AT, peer));
  await mesh.sim.run(() => plain.text === '220 ready\r\n', 5_000);
  assert.equal(plain.text, '220 ready\r\n');
  for (let i = 0; i < 3; i++) {
    const secure = connectSecurely(mesh);
    await mesh.sim.run(() => secure.received > 0 || secure.closed !== null, 5_000);
    assert.equal(secure.text, '220 ready\r\n', secure.closed ?? '');
  }
});

test('half a ClientHello is waited for longer than silence', async () => {
  const mesh = await start((peer) => peer.send('220 ready\r\n'));
  const raw = new RawPeer((peer) => mesh.runtime.net.connect(AT, peer));
  raw.send(Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 0xfc]));
  await mesh.sim.run(() => raw.received > 0 || raw.closed !== null, 2_000);
  assert.equal(raw.received, 0, 'it was given to the application as raw bytes');
  await mesh.sim.run(undefined, 30_000);
  const [listener] = mesh.plane.listeners.active;
  raw.connection.destroy('gone');
  await mesh.sim.run(undefined, 1_000);
  assert.equal(listener?.connections, 0);
});
