import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  chainOf,
  clusterOf,
  endpointAt,
  forward,
  httpManager,
  listenerOf,
  mtlsChain,
  routesOf,
  snapshotOf,
  tcpProxy,
} from '../../../test/support/proxy-snapshots.ts';
import { SettableSvid } from '../../../test/support/real-svids.ts';
import { answerWith, get, ok, planeOf, RawPeer, responseOf, svidOf } from '../../../test/support/sim-mesh.ts';
import { policy, rules } from '../../filters/rbac/test/policies.ts';
import { RecordingLog } from '../../core/log.ts';
import type { ListenerConfig } from '../../snapshot/snapshot.ts';
import { Simulation } from '../../runtime/sim/simulation.ts';
import { Rbac_Action } from '../../xds/tables/messages.gen.ts';
import { NetworkRbacTable } from '../../xds/tables/tables.gen.ts';
import { encode } from '../../xds/wire/encode.ts';
import { create } from '../../xds/wire/table.ts';
import type { DataPlaneOptions } from '../data-plane.ts';

const AT = { host: '127.0.0.1', port: 8000 };
const APP = { host: '127.0.0.1', port: 9000 };

async function start(parts: Partial<DataPlaneOptions> = {}) {
  const svid = new SettableSvid(await svidOf('web'));
  const sim = new Simulation({ seed: 41 });
  const runtime = sim.start('10.0.0.1');
  const log = new RecordingLog('debug');
  const plane = planeOf(runtime, 'web.shop', svid, log, parts);
  let accepted = 0;
  void runtime.net.listen(APP, (connection) => {
    accepted++;
    const peer = new RawPeer(() => connection);
    answerWith(peer, () => ok('app'));
    return peer;
  });
  const use = async (listeners: readonly ListenerConfig[]) => {
    const snapshot = snapshotOf({
      routes: [routesOf('out', { '/': forward('app') })],
      listeners,
      clusters: [clusterOf('app', [endpointAt(APP)])],
    });
    let done = false;
    const used = plane.use(plane.bind(snapshot)).finally(() => {
      done = true;
    });
    await sim.run(() => done, 1_000);
    return used;
  };
  const connect = (): RawPeer => new RawPeer((peer) => runtime.net.connect(AT, peer));
  const ask = async (peer: RawPeer) => {
    peer.take(peer.bytes.length);
    peer.send(get('/'));
    await sim.run(() => responseOf(peer) !== null || peer.closed !== null, 5_000);
    return responseOf(peer);
  };
  return { sim, runtime, plane, log, use, connect, ask, accepted: () => accepted };
}

const http = (name: string, inspect = {}): ListenerConfig =>
  listenerOf(name, AT, [chainOf(httpManager('out'))], { inspectTls: false, inspectHttp: false, ...inspect });

test('a port that is taken is reported, the rest goes on, and it is bound when it becomes free', async () => {
  const { sim, runtime, use, connect, ask, plane } = await start();
  let holder: { close(): Promise<void> } | undefined;
  void runtime.net
    .listen(AT, () => new RawPeer((peer) => peer.connection))
    .then((bound) => {
      holder = bound;
    });
  await sim.run(() => holder !== undefined, 100);
  const failures = await use([http('outbound|taken'), listenerOf('outbound|free', { ...AT, port: 8100 }, [])]);
  assert.deepEqual(
    failures.map(({ listener }) => listener),
    ['outbound|taken'],
  );
  assert.equal(plane.listeners.active.length, 1);
  void holder?.close();
  await sim.run(() => plane.listeners.active.length === 2, 5_000);
  assert.equal((await ask(connect()))?.body, 'app');
  assert.deepEqual(plane.listeners.failures, []);
});

test('a listener has all its addresses; those that come and go leave the others’ sockets alone', async () => {
  const { runtime, use, ask, plane } = await start();
  const [second, third] = [
    { ...AT, port: 8001 },
    { ...AT, port: 8002 },
  ];
  const peerAt = (to: typeof AT): RawPeer => new RawPeer((peer) => runtime.net.connect(to, peer));
  await use([http('outbound|a', { moreAddresses: [second] })]);
  assert.equal((await ask(peerAt(AT)))?.status, 200);
  assert.equal((await ask(peerAt(second)))?.status, 200);
  assert.deepEqual(plane.listeners.addresses, [{ name: 'outbound|a', address: AT, more: [second] }]);
  await use([http('outbound|a', { moreAddresses: [third] })]);
  assert.equal(await ask(peerAt(second)), null);
  assert.equal((await ask(peerAt(third)))?.status, 200);
  assert.equal((await ask(peerAt(AT)))?.status, 200);
  assert.equal(plane.listeners.active.length, 1);
});

test('a further address that is taken is reported, and bound when it becomes free', async () => {
  const { sim, runtime, use, connect, ask, plane } = await start();
  const second = { ...AT, port: 8001 };
  let holder: { close(): Promise<void> } | undefined;
  void runtime.net
    .listen(second, () => new RawPeer((peer) => peer.connection))
    .then((bound) => {
      holder = bound;
    });
  await sim.run(() => holder !== undefined, 100);
  const failures = await use([http('outbound|a', { moreAddresses: [second] })]);
  assert.equal(failures.length, 1);
  assert.equal((await ask(connect()))?.status, 200);
  void holder?.close();
  await sim.run(() => plane.listeners.failures.length === 0, 5_000);
  assert.deepEqual(plane.listeners.addresses[0]?.more, [second]);
});

test('a changed listener keeps its socket; a connection of before gets its answer and is told to go', async () => {
  const { use, connect, ask, sim } = await start();
  await use([http('outbound|a')]);
  const peer = connect();
  assert.equal((await ask(peer))?.status, 200);
  await use([http('outbound|a')]);
  const last = await ask(peer);
  assert.equal(last?.status, 200);
  assert.match(last?.head ?? '', /^connection: close/im);
  await sim.run(() => peer.ended, 1_000);
  assert.equal((await ask(connect()))?.status, 200);
});

test('an idle connection of a changed listener is closed in the end', async () => {
  const { use, connect, ask, sim } = await start();
  await use([http('outbound|a')]);
  const peer = connect();
  await ask(peer);
  await use([http('outbound|a')]);
  await sim.run(() => peer.ended, 10_000);
  assert.ok(peer.ended);
});

test('a listener that is gone refuses connections', async () => {
  const { use, connect, sim } = await start();
  await use([http('outbound|a')]);
  await use([]);
  const peer = connect();
  await sim.run(() => peer.closed !== null, 5_000);
  assert.match(peer.closed ?? '', /ECONNREFUSED|refused/i);
});

test('connections beyond the bound are refused and counted, and their places come back', async () => {
  const { use, connect, ask, sim, plane } = await start({ maxConnections: 2 });
  await use([http('outbound|a')]);
  const [one, two] = [connect(), connect()];
  await ask(one);
  await ask(two);
  const three = connect();
  await sim.run(() => three.closed !== null, 1_000);
  assert.equal(plane.telemetry.limit('max_downstream_connections', 'outbound|a').value, 1);
  one.connection.destroy('');
  await sim.run(undefined, 3_000);
  assert.equal((await ask(connect()))?.status, 200);
});

test("a client that is silent gets its server's first words, and the next one does not wait for them", async () => {
  const { use, sim, runtime, plane, connect } = await start();
  void runtime.net.listen({ host: '127.0.0.1', port: 9001 }, (connection) => {
    const peer = new RawPeer(() => connection);
    peer.send('220 ready\r\n');
    return peer;
  });
  const snapshot = snapshotOf({
    listeners: [
      listenerOf('outbound|smtp', AT, [
        chainOf(httpManager('out'), { applicationProtocols: ['http/1.1'] }),
        chainOf(tcpProxy('smtp')),
      ]),
    ],
    clusters: [clusterOf('smtp', [endpointAt({ host: '127.0.0.1', port: 9001 })])],
  });
  await use([]);
  await Promise.all([plane.use(plane.bind(snapshot)), sim.run(() => plane.listeners.active.length === 1, 1_000)]);
  const waits: number[] = [];
  for (let i = 0; i < 2; i++) {
    const before = sim.nowMs;
    const peer = connect();
    await sim.run(() => peer.text === '220 ready\r\n', 5_000);
    waits.push(sim.nowMs - before);
    peer.connection.destroy('');
  }
  assert.ok((waits[0] ?? 0) >= 100 && (waits[0] ?? 0) < 150, String(waits));
  assert.ok((waits[1] ?? 1_000) < 50, String(waits));
});

test('a silent client on a port of mTLS is refused in the end, and nothing leaks', async () => {
  const { use, connect, sim, plane, log } = await start();
  await use([listenerOf('inbound|80', AT, [mtlsChain(httpManager('out'), 'http/1.1')])]);
  const peer = connect();
  await sim.run(() => peer.closed !== null, 60_000);
  assert.notEqual(peer.closed, null);
  assert.equal(plane.telemetry.counters.counter('no_filter_chain_match', { listener: 'inbound|80' }).value, 1);
  assert.ok(log.lines.some(({ fields }) => /plaintext on a port that requires mTLS/.test(String(fields['why']))));
});

/** A listener of raw bytes that lets everybody in, but for those who come to this port. */
function rawListener(deniedPort: number | null): ListenerConfig {
  const policies =
    deniedPort === null ? {} : { 'not-you': policy([{ rule: { case: 'destinationPort', value: deniedPort } }]) };
  const rbac = create(NetworkRbacTable, { rules: rules(Rbac_Action.DENY, policies), statPrefix: 'raw' });
  const type = 'type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC';
  const guard = { name: 'rbac', type, config: encode(NetworkRbacTable, rbac), optional: false, disabled: false };
  const chain = { ...chainOf(tcpProxy('app')), filters: [guard] };
  return listenerOf('outbound|raw', AT, [chain], { inspectTls: false, inspectHttp: false });
}

test('an open connection of raw bytes ends when rules that come later deny it, and is counted once; others go on', async () => {
  const { use, connect, sim, plane } = await start();
  await use([rawListener(null)]);
  const peer = connect();
  peer.send(get('/'));
  await sim.run(() => responseOf(peer) !== null, 5_000);
  await use([rawListener(AT.port + 1)]);
  await sim.run(undefined, 1_000);
  assert.equal(peer.closed, null, 'these rules are not about it');
  const connections = (verdict: string, by: string): number =>
    plane.telemetry.counters.counter('weft_rbac_connections_total', { rules: 'enforced', verdict, policy: by }).value;
  assert.deepEqual([connections('allowed', ''), connections('denied', 'not-you')], [1, 0]);
  const before = sim.nowMs;
  await use([rawListener(AT.port)]);
  await sim.run(() => peer.closed !== null || peer.ended, 60_000);
  assert.ok(sim.nowMs - before < 1_100, `${sim.nowMs - before} ms`);
  assert.deepEqual([connections('allowed', ''), connections('denied', 'not-you')], [1, 1]);
});
