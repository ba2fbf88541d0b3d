/** On the way through TLS: who says nothing, closes or comes with the wrong words holds nothing, and a stop ends all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Log, RecordingLog, silentLog } from '../../core/log.ts';
import type { TlsOptions } from '../../core/runtime.ts';
import { TimerWheel } from '../../core/timer-wheel.ts';
import { createAuthority } from '../../runtime/test/certificates.ts';
import { simHarness } from '../../runtime/test/harness.ts';
import { Recorder } from '../../runtime/test/recorder.ts';
import { serveMeshRpc } from './rpc-server.ts';

const ANY = { host: '127.0.0.1', port: 0 };

async function meshServer(log: Log = silentLog) {
  const harness = simHarness(1);
  const authority = await createAuthority('weft test root');
  const tls: TlsOptions = {
    ...{ role: 'server', identity: await authority.issue(), alpn: ['h2'], serverName: null },
    ...{ requirePeerCertificate: true, verifyPeer: null },
  };
  const { runtime } = harness;
  const parts = { ...runtime, timers: new TimerWheel(runtime.clock) };
  const refuse = (): never => assert.fail('nobody gets so far');
  return { harness, listener: await serveMeshRpc(parts, log, ANY, tls, refuse) };
}

test('who connects and says nothing is let go after ten seconds', async () => {
  const { harness, listener } = await meshServer();
  const silent = new Recorder();
  harness.runtime.net.connect(listener.address, silent);
  await harness.pass(9_900);
  assert.equal(silent.closed, false);
  await harness.pass(200);
  assert.equal(silent.closed, true);
  await listener.close();
});

test('who speaks no TLS is cut off, and who closes at once is forgotten', async () => {
  const { harness, listener } = await meshServer();
  const plain = new Recorder();
  const connection = harness.runtime.net.connect(listener.address, plain);
  connection.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'), 0, 18);
  await harness.until('refused', () => plain.closed);
  const brief = new Recorder();
  const other = harness.runtime.net.connect(listener.address, brief);
  await harness.until('open', () => brief.events.includes('open'));
  other.end();
  await harness.until('closed', () => brief.closed);
  await listener.close();
});

test('a thousand that are refused are one line a second', async () => {
  const log = new RecordingLog();
  const { harness, listener } = await meshServer(log);
  const refused = async (): Promise<void> => {
    const peers = Array.from({ length: 20 }, () => new Recorder());
    for (const peer of peers) {
      harness.runtime.net.connect(listener.address, peer).write(Buffer.from('GET / HTTP/1.1\r\n\r\n'), 0, 18);
    }
    await harness.until('refused', () => peers.every(({ closed }) => closed));
  };
  await refused();
  assert.equal(log.messages('warn').length, 1);
  await harness.pass(1_000);
  await refused();
  assert.equal(log.messages('warn').length, 2);
  await listener.close();
});

test('a server that stops takes along who is not through yet', async () => {
  const { harness, listener } = await meshServer();
  const silent = new Recorder();
  harness.runtime.net.connect(listener.address, silent);
  await harness.until('open', () => silent.events.includes('open'));
  await harness.pass(10);
  await listener.close();
  await harness.until('closed', () => silent.closed);
});
