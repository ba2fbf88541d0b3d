/** What one member of the mesh can hold of the control plane's connections, over mTLS on simulated time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Counters } from '../../core/counters.ts';
import { silentLog } from '../../core/log.ts';
import type { Connection, RpcAccept, TlsIdentity, TlsOptions } from '../../core/runtime.ts';
import { TimerWheel } from '../../core/timer-wheel.ts';
import { createAuthority } from '../../runtime/test/certificates.ts';
import { simHarness } from '../../runtime/test/harness.ts';
import { Recorder } from '../../runtime/test/recorder.ts';
import { serveMeshRpc } from './rpc-server.ts';

const PREFACE = Buffer.from(
  '505249202a20485454502f322e300d0a0d0a534d0d0a0d0a000000040000000000000000040100000000',
  'hex',
);

/** A PING of the client's own: it lives. */
const PING = Buffer.from('0000080600000000000102030405060708', 'hex');

async function mesh() {
  const harness = simHarness(1);
  const { runtime } = harness;
  const authority = await createAuthority('weft test root');
  const common = { alpn: ['h2'], requirePeerCertificate: true, verifyPeer: null } as const;
  const tls: TlsOptions = { ...common, role: 'server', identity: await authority.issue(), serverName: null };
  const refused = new Counters().counter('refused');
  const parts = { ...runtime, timers: new TimerWheel(runtime.clock), refused };
  const accept: RpcAccept = () => assert.fail('nobody asks for anything');
  const listener = await serveMeshRpc(parts, silentLog, { host: '127.0.0.1', port: 0 }, tls, accept);
  const connect = async (identity: TlsIdentity): Promise<{ readonly peer: Recorder; readonly ping: () => void }> => {
    const secured = new Recorder();
    const plain = new Recorder();
    const connection: Connection = runtime.net.connect(listener.address, plain);
    await harness.until('connected', () => plain.events.includes('open'));
    const client = runtime.net.secure(
      connection,
      { ...common, role: 'client', identity, serverName: 'localhost' },
      secured,
    );
    await harness.until('through', () => secured.events.includes('open') || secured.closed);
    if (!secured.closed) client.write(PREFACE, 0, PREFACE.length);
    return { peer: secured, ping: () => client.write(PING, 0, PING.length) };
  };
  return { harness, authority, listener, connect, refused };
}

test('a connection without a stream is let go of after a minute', async () => {
  const { harness, authority, listener, connect } = await mesh();
  const { peer, ping } = await connect(await authority.issue({ commonName: 'shop/web-1' }));
  for (let passedMs = 0; passedMs < 55_000; passedMs += 5_000) {
    await harness.pass(5_000);
    assert.equal(peer.events.includes('end'), false, `after ${passedMs} ms`);
    ping();
  }
  await harness.pass(15_000);
  assert.equal(peer.events.at(-1), 'end');
  await listener.close();
});

test('one peer has at most 256 connections, and takes none of another’s', async () => {
  const { harness, authority, listener, connect, refused } = await mesh();
  const greedy = await authority.issue({ commonName: 'shop/web-1' });
  const all: Recorder[] = [];
  for (let i = 0; i < 257; i++) all.push((await connect(greedy)).peer);
  await harness.pass(100);
  assert.deepEqual([all.filter(({ closed }) => closed).length, all.at(-1)?.closed], [1, true]);
  assert.equal(refused.value, 1);
  const { peer: other } = await connect(await authority.issue({ commonName: 'shop/cart-1' }));
  await harness.pass(100);
  assert.equal(other.closed, false);
  await harness.pass(70_000);
  const { peer: again } = await connect(greedy);
  await harness.pass(100);
  assert.equal(again.closed, false, 'those that are gone make room');
  await listener.close();
});
