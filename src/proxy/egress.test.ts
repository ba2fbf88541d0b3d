import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  clusterOf,
  chainOf,
  forward,
  httpManager,
  listenerOf,
  routesOf,
  snapshotOf,
} from '../../test/support/proxy-snapshots.ts';
import { answerWith, ok, planeOf, RawPeer, svidOf } from '../../test/support/sim-mesh.ts';
import { SettableSvid } from '../../test/support/real-svids.ts';
import { RecordingLog } from '../core/log.ts';
import type { Address } from '../core/runtime.ts';
import { Simulation } from '../runtime/sim/simulation.ts';

const OUTSIDE = '10.9.0.1';
const PROXY = '10.9.0.2';

async function start(egressProxy: Address | null) {
  const svid = new SettableSvid(await svidOf('web'));
  const sim = new Simulation({ seed: 31 });
  sim.setName('example.org', ['10.9.9.9', OUTSIDE]);
  const client = sim.start('10.0.0.1');
  const web = planeOf(client, 'web.shop', svid, new RecordingLog('debug'), { egressProxy });
  const outside = { discovery: 'dynamic-forward' as const, service: '', inline: null };
  const snapshot = snapshotOf({
    routes: [
      routesOf('out', { CONNECT: forward('passthrough-tcp', { connect: true }), '/': forward('passthrough-http') }),
    ],
    listeners: [listenerOf('outbound|http', { host: '127.0.0.1', port: 8000 }, [chainOf(httpManager('out'))])],
    clusters: [clusterOf('passthrough-http', [], outside), clusterOf('passthrough-tcp', [], outside)],
  });
  await Promise.all([web.use(web.bind(snapshot)), sim.run(() => web.listeners.active.length === 1, 1_000)]);
  const connect = (): RawPeer => new RawPeer((peer) => client.net.connect({ host: '127.0.0.1', port: 8000 }, peer));
  return { sim, web, connect };
}

function serve(sim: Simulation, host: string, port: number, app: (peer: RawPeer) => void): void {
  void sim.start(host).net.listen({ host, port }, (connection) => {
    const peer = new RawPeer(() => connection);
    app(peer);
    return peer;
  });
}

test('a host outside of the mesh is resolved and reached, also when its first address is dead, and counted as egress', async () => {
  const { sim, web, connect } = await start(null);
  serve(sim, OUTSIDE, 80, (peer) => answerWith(peer, (request) => ok(request.split('\r\n')[0] ?? '')));
  sim.start('10.9.9.9');
  const peer = connect();
  peer.send('GET http://example.org/a HTTP/1.1\r\nhost: example.org\r\n\r\n');
  await sim.run(() => peer.text.endsWith('HTTP/1.1') || peer.closed !== null, 10_000);
  assert.match(peer.text, /^HTTP\/1\.1 200 [^]*GET \/a HTTP\/1\.1$/);
  assert.equal(web.telemetry.egressEdge('example.org').requests, 1);
});

test('a host that does not resolve is said so', async () => {
  const { sim, connect } = await start(null);
  const peer = connect();
  peer.send('GET http://nowhere.example/ HTTP/1.1\r\nhost: nowhere.example\r\n\r\n');
  await sim.run(() => peer.text.includes('(UF)') || peer.closed !== null, 10_000);
  assert.match(peer.text, /^HTTP\/1\.1 503 [^]*nowhere\.example/);
});

test('a request for the proxy itself does not go round for ever', async () => {
  const { sim, web, connect } = await start(null);
  for (const host of ['127.0.0.1:8000', 'localhost:8000', '0.0.0.0:8000']) {
    const peer = connect();
    peer.send(`GET http://${host}/ HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
    await sim.run(() => peer.text.includes('(UF)') || peer.closed !== null, 10_000);
    assert.match(peer.text, /^HTTP\/1\.1 503 [^]*it is an address of this proxy itself/, host);
  }
  assert.equal(web.clusters.current.get('passthrough-http')?.circuit.connections.peak, 1);
});

test('CONNECT to a host outside carries raw bytes', async () => {
  const { sim, connect } = await start(null);
  serve(sim, OUTSIDE, 443, (peer) => {
    peer.onText = () => {
      if (peer.bytes.length > 0) peer.send(`<${peer.text}>`);
      peer.take(peer.bytes.length);
      if (peer.ended && !peer.connection.closed) peer.connection.end();
    };
  });
  const peer = connect();
  peer.send('CONNECT example.org:443 HTTP/1.1\r\nhost: example.org:443\r\n\r\n');
  await sim.run(() => peer.text.includes('\r\n\r\n'), 10_000);
  assert.match(peer.text, /^HTTP\/1\.1 200 /);
  peer.send('ping');
  await sim.run(() => peer.text.endsWith('<ping>'), 10_000);
  peer.connection.end();
  await sim.run(() => peer.closed !== null, 10_000);
  assert.equal(peer.closed, '');
});

test('behind another proxy, requests go to it in absolute form and CONNECT as CONNECT', async () => {
  const { sim, connect } = await start({ host: PROXY, port: 3128 });
  const lines: string[] = [];
  serve(sim, PROXY, 3128, (peer) => {
    answerWith(peer, (request) => {
      lines.push(request.split('\r\n')[0] ?? '');
      if (!request.startsWith('CONNECT')) return ok('proxied');
      peer.onText = () => {
        if (peer.bytes.length > 0) peer.send(`<${peer.text}>`);
        peer.take(peer.bytes.length);
      };
      return 'HTTP/1.1 200 Connection established\r\n\r\n';
    });
  });
  const plain = connect();
  plain.send('GET http://example.org/a?b HTTP/1.1\r\nhost: example.org\r\n\r\n');
  await sim.run(() => plain.text.endsWith('proxied') || plain.closed !== null, 10_000);
  const tunnel = connect();
  tunnel.send('CONNECT example.org:443 HTTP/1.1\r\nhost: example.org:443\r\n\r\n');
  await sim.run(() => tunnel.text.includes('\r\n\r\n') || tunnel.closed !== null, 10_000);
  tunnel.send('ping');
  await sim.run(() => tunnel.text.endsWith('<ping>') || tunnel.closed !== null, 10_000);
  assert.match(tunnel.text, /^HTTP\/1\.1 200 [^]*<ping>$/);
  assert.deepEqual(lines, ['GET http://example.org/a?b HTTP/1.1', 'CONNECT example.org:443 HTTP/1.1']);
});

test('an address of this process, such as its admin endpoint, is no host outside, however it is written', async () => {
  const { sim, web, connect } = await start(null);
  web.keepOut({ host: '127.0.0.1', port: 8100 });
  for (const authority of ['127.0.0.1:8100', '[::ffff:7f00:1]:8100', '0.0.0.0:8100']) {
    const peer = connect();
    peer.send(`GET http://${authority}/ HTTP/1.1\r\nhost: ${authority}\r\n\r\n`);
    await sim.run(() => peer.text.includes('(UF)') || peer.closed !== null, 10_000);
    assert.match(peer.text, /it is an address of this proxy itself/, authority);
  }
});
