import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  chainOf,
  clusterOf,
  endpointAt,
  forward,
  httpManager,
  listenerOf,
  RETRIES,
  routesOf,
  snapshotOf,
  tcpProxy,
} from '../../test/support/proxy-snapshots.ts';
import { SettableSvid } from '../../test/support/real-svids.ts';
import { answerWith, get, ok, planeOf, RawPeer, responseOf, svidOf } from '../../test/support/sim-mesh.ts';
import { RecordingLog } from '../core/log.ts';
import { TimerWheel } from '../core/timer-wheel.ts';
import { Simulation } from '../runtime/sim/simulation.ts';
import type { ClusterConfig, ListenerConfig, TcpProxy } from '../snapshot/snapshot.ts';

const HTTP = { host: '127.0.0.1', port: 8000 };
const TCP = { host: '127.0.0.1', port: 8001 };
const APP = { host: '127.0.0.1', port: 9000 };

interface Options {
  readonly app?: (peer: RawPeer, count: number) => void;
  readonly cluster?: Partial<ClusterConfig>;
  readonly tcp?: Partial<TcpProxy>;
  readonly endpoints?: readonly { host: string; port: number }[];
}

async function start(options: Options = {}) {
  const sim = new Simulation({ seed: 47 });
  const runtime = sim.start('10.0.0.1');
  const timers = new TimerWheel(runtime.clock);
  const log = new RecordingLog('debug');
  const plane = planeOf(runtime, 'web.shop', new SettableSvid(await svidOf('web')), log, { timers });
  const apps: RawPeer[] = [];
  const listening = runtime.net.listen(APP, (connection) => {
    const peer = new RawPeer(() => connection);
    apps.push(peer);
    if (options.app === undefined) answerWith(peer, (request) => (request.startsWith('GET /hang') ? null : ok('app')));
    else options.app(peer, apps.length);
    return peer;
  });
  /** The application takes no new connection; those that are open stay. */
  const refuse = async () => {
    let done = false;
    void listening.then(async (listener) => {
      await listener.close();
      done = true;
    });
    await sim.run(() => done, 1_000);
  };
  const http = listenerOf('outbound|http', HTTP, [chainOf(httpManager('out'))]);
  const tcp = (statPrefix = 'tcp'): ListenerConfig =>
    listenerOf('outbound|tcp', TCP, [chainOf(tcpProxy('app', { ...options.tcp, statPrefix }))], {
      inspectHttp: false,
      inspectTls: false,
    });
  const use = async (listeners: readonly ListenerConfig[]) => {
    const endpoints = (options.endpoints ?? [APP]).map((at) => endpointAt(at));
    const snapshot = snapshotOf({
      routes: [routesOf('out', { '/': forward('app', { retry: RETRIES }) })],
      listeners,
      clusters: [clusterOf('app', endpoints, options.cluster)],
    });
    let done = false;
    void plane.use(plane.bind(snapshot)).finally(() => {
      done = true;
    });
    await sim.run(() => done, 1_000);
  };
  const connect = (at = HTTP): RawPeer => new RawPeer((peer) => runtime.net.connect(at, peer));
  const close = async () => {
    let done = false;
    void plane.close().then(() => {
      done = true;
    });
    await sim.run(() => done, 1_000);
    assert.ok(done);
  };
  const circuit = () => plane.clusters.current.get('app')?.circuit;
  return { sim, plane, timers, apps, use, http, tcp, connect, close, circuit, refuse };
}

test('after close nothing is armed: a process ends that has nothing else to do', async () => {
  const { sim, timers, use, http, tcp, connect, close } = await start();
  await use([http, tcp()]);
  const peer = connect();
  peer.send(get('/'));
  await sim.run(() => responseOf(peer) !== null, 1_000);
  // Its connection lay idle before this one took it.
  peer.send(get('/hang'));
  const raw = connect(TCP);
  raw.send('x');
  await sim.run(undefined, 200);
  await close();
  assert.equal(timers.size, 0);
});

test('connections of a listener that was removed end with the proxy', async () => {
  const { sim, timers, use, http, tcp, connect, close } = await start();
  await use([http, tcp()]);
  const raw = connect(TCP);
  raw.send(get('/'));
  await sim.run(() => responseOf(raw) !== null, 1_000);
  await use([http]);
  await sim.run(undefined, 1_000);
  assert.equal(raw.closed, null, 'raw bytes are not cut by a change');
  await close();
  await sim.run(undefined, 1_000);
  assert.notEqual(raw.closed, null);
  assert.equal(timers.size, 0);
});

test('each raw connection has the whole drain time from the change that concerned it', async () => {
  const { sim, use, tcp, connect } = await start();
  await use([tcp('one')]);
  const first = connect(TCP);
  first.send('x');
  await sim.run(undefined, 1_000);
  await use([tcp('two')]);
  await sim.run(undefined, 590_000);
  const second = connect(TCP);
  second.send('x');
  await sim.run(undefined, 1_000);
  await use([tcp('three')]);
  await sim.run(undefined, 30_000);
  assert.notEqual(first.closed, null);
  assert.equal(second.closed, null, 'it was cut 20 s after its change');
  await sim.run(undefined, 600_000);
  assert.notEqual(second.closed, null);
});

test('a request does not wait for ever behind a dial that failed', async () => {
  const limits = { ...clusterOf('x', []).limits, maxConnections: 2 };
  const { sim, apps, use, http, connect, refuse } = await start({ cluster: { limits, connectTimeoutMs: 1_000 } });
  await use([http]);
  const hanging = connect();
  hanging.send(get('/hang'));
  await sim.run(() => apps.length === 1, 1_000);
  await refuse();
  const waiting = [connect(), connect(), connect()];
  for (const peer of waiting) peer.send('POST /x HTTP/1.1\r\nhost: catalog\r\ncontent-length: 0\r\n\r\n');
  await sim.run(() => waiting.every((peer) => responseOf(peer) !== null), 30_000);
  assert.deepEqual(
    waiting.map((peer) => responseOf(peer)?.status),
    [503, 503, 503],
  );
});

test('a refused response that never ends does not keep its connection', async () => {
  const { sim, apps, use, http, connect, circuit } = await start({
    app: (peer, count) => {
      answerWith(peer, () => (count === 1 ? 'HTTP/1.1 503 Busy\r\ncontent-length: 100\r\n\r\nnever' : ok('second')));
    },
  });
  await use([http]);
  const peer = connect();
  peer.send(get('/'));
  await sim.run(() => responseOf(peer) !== null, 5_000);
  assert.equal(responseOf(peer)?.body, 'second');
  await sim.run(undefined, 10_000);
  assert.notEqual(apps[0]?.closed, null, 'the first connection is still held');
  assert.equal(circuit()?.connections.used, 1);
});

test('a client that ended and never reads what is left for it loses its connection in the end', async () => {
  const { sim, plane, use, tcp, connect, circuit } = await start({
    tcp: { idleTimeoutMs: 60_000 },
    app: (peer) => {
      peer.send(Buffer.alloc(60_000, 'x'));
      peer.connection.end();
    },
  });
  await use([tcp()]);
  const peer = connect(TCP);
  peer.connection.pause();
  peer.connection.end();
  await sim.run(undefined, 200_000);
  assert.equal(plane.listeners.active[0]?.connections, 0);
  assert.equal(circuit()?.connections.used, 0);
});
