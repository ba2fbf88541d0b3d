import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simCluster } from '../../../../test/support/sim-cluster.ts';
import type { ClusterConfig } from '../../../snapshot/snapshot.ts';

const start = (parts: Partial<ClusterConfig>) =>
  simCluster(1, { protocol: 'http2', clearProtocol: 'http2', idleTimeoutMs: 0, ...parts });

test('a connection carries no more streams than the cluster allows, one after the other or at once', async () => {
  const { hosts, ask, begin, runFor } = start({ maxRequestsPerConnection: 3 });
  const [host] = hosts;
  const one = await ask(7);
  assert.ok(one.every(({ status }) => status === 200));
  assert.equal(host?.connections.length, 3);
  assert.equal(host?.open, 1, 'those that are spent have closed');
  const burst = Array.from({ length: 10 }, () => begin());
  await runFor(200);
  assert.ok(burst.every(({ status }) => status === 200));
  assert.equal(host?.connections.length, 6, '17 streams');
});

test('a spent connection finishes what it carries', async () => {
  const { hosts, begin, runFor, cluster } = start({ maxRequestsPerConnection: 2 });
  const [host] = hosts;
  assert.ok(host !== undefined);
  host.status = 0;
  const silent = [begin(), begin()];
  await runFor(100);
  host.status = 200;
  const next = begin();
  await runFor(100);
  assert.equal(next.status, 200);
  assert.equal(host.open, 2);
  for (const attempt of silent) {
    assert.equal(attempt.reset, null);
    attempt.stream?.reset(2);
    attempt.finish(2);
  }
  await runFor(100);
  assert.equal(host.open, 1);
  assert.equal(cluster.circuit.connections.used, 1);
});

test('a connection in use that is too old is followed by a new one before it goes, and no request waits', async () => {
  const { hosts, begin, runFor, cluster } = start({ maxConnectionDurationMs: 5_000 });
  const [host] = hosts;
  assert.ok(host !== undefined);
  const waits: number[] = [];
  host.status = 0;
  const long = begin();
  await runFor(10);
  host.status = 200;
  for (let i = 0; i < 120; i++) {
    const attempt = begin();
    if (i > 0 && attempt.stream === null) waits.push(i);
    await runFor(100);
    assert.equal(attempt.status, 200);
  }
  assert.deepEqual(waits, []);
  assert.equal(host.connections.length, 3);
  assert.equal(long.reset, null);
  assert.equal(host.open, 2, 'the first one still carries its stream');
  assert.equal(cluster.circuit.connections.used, 2);
});

test('an idle connection that is too old just goes', async () => {
  const { hosts, ask, runFor, cluster } = start({ maxConnectionDurationMs: 5_000 });
  await ask(1);
  await runFor(5_500);
  assert.equal(hosts[0]?.open, 0);
  assert.equal(hosts[0]?.connections.length, 1);
  assert.equal(cluster.circuit.connections.used, 0);
});

test('a connection that is too old goes although no other can be made', async () => {
  const { hosts, begin, runFor } = start({ maxConnectionDurationMs: 5_000 });
  const [host] = hosts;
  assert.ok(host !== undefined);
  host.status = 0;
  const long = begin();
  await runFor(1_000);
  host.refuse();
  await runFor(5_000);
  const next = begin();
  await runFor(100);
  assert.equal(next.refused, 'UF');
  assert.equal(long.reset, null, 'what it carries goes on');
});
