import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  chainOf,
  clusterOf,
  endpointAt,
  httpManager,
  listenerOf,
  mtlsChain,
  snapshotOf,
  tcpProxy,
} from '../../../test/support/proxy-snapshots.ts';
import { SettableSvid } from '../../../test/support/real-svids.ts';
import { planeOf, RawPeer, svidOf } from '../../../test/support/sim-mesh.ts';
import { RecordingLog } from '../../core/log.ts';
import { Simulation } from '../../runtime/sim/simulation.ts';
import type { Arrival, FilterChain, ListenerConfig } from '../../snapshot/snapshot.ts';

const AT = { host: '127.0.0.1', port: 8000 };
const APP = { host: '127.0.0.1', port: 9000 };
const HEADER: Arrival = { asksKernel: false, handsOver: false, proxyHeader: { optional: false, versions: [1, 2] } };
const QUIET = { inspectTls: false, inspectHttp: false };
const LINE = 'PROXY TCP4 192.0.2.1 10.0.0.1 4000 80\r\n';

/** The application says who it was asked by, as far as the proxy's filters would know. */
async function start(...listeners: readonly ListenerConfig[]) {
  const svid = new SettableSvid(await svidOf('web'));
  const sim = new Simulation({ seed: 43 });
  const runtime = sim.start('10.0.0.1');
  const log = new RecordingLog('debug');
  const plane = planeOf(runtime, 'web.shop', svid, log, { maxConnections: 3 });
  void runtime.net.listen(APP, (connection) => {
    const peer = new RawPeer(() => connection);
    peer.send('hello');
    return peer;
  });
  const clusters = ['app', 'elsewhere'].map((name) => clusterOf(name, name === 'app' ? [endpointAt(APP)] : []));
  const used = plane.use(plane.bind(snapshotOf({ listeners, clusters })));
  let done = false;
  void used.then(() => {
    done = true;
  });
  await sim.run(() => done, 1_000);
  const connect = (sent = ''): RawPeer => {
    const peer = new RawPeer((each) => runtime.net.connect(AT, each));
    if (sent !== '') peer.send(sent);
    return peer;
  };
  const outcome = async (sent: string): Promise<string> => {
    const peer = connect(sent);
    await sim.run(() => peer.text !== '' || peer.closed !== null, 60_000);
    const { text } = peer;
    if (peer.closed === null) peer.connection.destroy('');
    await sim.run(undefined, 50);
    return text === '' ? 'closed' : text;
  };
  const why = () =>
    log.lines.filter(({ message }) => message === 'connection refused').map(({ fields }) => fields['why']);
  return { sim, plane, runtime, connect, outcome, why };
}

const from = (address: string): FilterChain =>
  chainOf(tcpProxy('app'), {
    addresses: {
      destination: [],
      directSource: [],
      sourceType: 'any',
      source: [{ prefix: Uint8Array.from(address.split('.').map(Number)), bits: 32 }],
      sourcePorts: [],
    },
  });

test('a header tells whose a connection is, and is nobody else’s to read', async () => {
  const { outcome, why, plane } = await start(listenerOf('in', AT, [from('192.0.2.1')], { ...QUIET, arrival: HEADER }));
  assert.equal(await outcome(LINE), 'hello');
  assert.equal(await outcome('PROXY TCP4 192.0.2.2 10.0.0.1 4000 80\r\n'), 'closed');
  assert.equal(await outcome('PROXY UNKNOWN\r\n'), 'closed');
  assert.deepEqual(why(), ['no filter chain is for callers at 192.0.2.2 port 4000']);
  assert.equal(plane.telemetry.counters.counter('no_filter_chain_match', { listener: 'in' }).value, 2);
});

test('without a header, or with half of one, nothing is served and every place comes back', async () => {
  const { outcome, why, plane } = await start(
    listenerOf('in', AT, [chainOf(tcpProxy('app'))], { ...QUIET, arrival: HEADER }),
  );
  for (let i = 0; i < 5; i++) {
    assert.equal(await outcome('GET / HTTP/1.1\r\n\r\n'), 'closed');
    assert.equal(await outcome('PROXY TCP4 1.2.3.4'), 'closed');
    assert.equal(await outcome(''), 'closed');
  }
  assert.equal(await outcome(LINE), 'hello');
  assert.equal(plane.telemetry.counters.counter('downstream_cx_proxy_proto_error', { listener: 'in' }).value, 15);
  assert.ok(why().includes('it does not begin with a PROXY header'));
});

test('where a header may be missing, a silent client goes on when the time is over', async () => {
  const arrival = { ...HEADER, proxyHeader: { optional: true, versions: [1, 2] as const } };
  const { outcome, sim } = await start(listenerOf('in', AT, [chainOf(tcpProxy('app'))], { ...QUIET, arrival }));
  const before = sim.nowMs;
  assert.equal(await outcome(''), 'hello');
  assert.ok(sim.nowMs - before >= 100);
  assert.equal(await outcome('GET'), 'hello');
});

test('TLS comes behind the header', async () => {
  const { outcome, why } = await start(
    listenerOf('in', AT, [mtlsChain(httpManager('out'), 'http/1.1')], { inspectHttp: false, arrival: HEADER }),
  );
  assert.equal(await outcome(`${LINE}GET / HTTP/1.1\r\n\r\n`), 'closed');
  assert.deepEqual(why(), ['plaintext on a port that requires mTLS']);
});

test('a connection that was going elsewhere goes to the listener of that address, once', async () => {
  const arrival = { ...HEADER, handsOver: true };
  const unbound = (name: string, host: string, port: number, cluster: string) =>
    listenerOf(name, { host, port }, [chainOf(tcpProxy(cluster))], { ...QUIET, isBound: false });
  const { outcome, plane } = await start(
    listenerOf('in', AT, [chainOf(tcpProxy('elsewhere'))], { ...QUIET, arrival }),
    unbound('exact', '10.0.0.1', 80, 'app'),
    unbound('all', '0.0.0.0', 81, 'app'),
  );
  assert.equal(await outcome(LINE), 'hello');
  assert.equal(await outcome('PROXY TCP4 192.0.2.1 10.9.9.9 4000 81\r\n'), 'hello');
  assert.equal(await outcome('PROXY TCP4 192.0.2.1 10.9.9.9 4000 80\r\n'), 'closed');
  assert.equal(await outcome(`PROXY TCP4 192.0.2.1 ${AT.host} 4000 ${AT.port}\r\n`), 'closed');
  assert.equal(await outcome('PROXY UNKNOWN\r\n'), 'closed');
  assert.deepEqual(
    plane.listeners.addresses.map(({ name }) => name),
    ['in'],
  );
});

test('the kernel is asked where a redirected connection was going', async () => {
  const arrival = { asksKernel: true, handsOver: true, proxyHeader: null };
  const { connect, sim } = await start(
    listenerOf('in', AT, [chainOf(tcpProxy('elsewhere'))], { ...QUIET, arrival }),
    listenerOf('there', { host: '10.0.0.1', port: 80 }, [chainOf(tcpProxy('app'))], { ...QUIET, isBound: false }),
  );
  for (const [to, expected] of [
    [{ host: '10.0.0.1', port: 80 }, 'hello'],
    [null, ''],
  ] as const) {
    const peer = connect();
    await sim.run(() => peer.connection.info.local.port !== 0, 100);
    if (to !== null) sim.network.redirects.from.set(peer.connection.info.local.port, to);
    await sim.run(() => peer.text !== '' || peer.closed !== null, 5_000);
    assert.equal(peer.text, expected);
  }
});
