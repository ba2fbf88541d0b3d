import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simCluster } from '../../../../test/support/sim-cluster.ts';
import { RESET } from '../../../http/message.ts';
import { HTTP2_DEFAULTS } from '../../../snapshot/read/http2-options.ts';
import type { ClusterConfig } from '../../../snapshot/snapshot.ts';
import { OUTCOME } from '../attempt.ts';

const start = (parts: Partial<ClusterConfig> = {}) =>
  simCluster(1, { protocol: 'http2', clearProtocol: 'http2', idleTimeoutMs: 0, ...parts });

test('a burst at a cold endpoint waits for one connection, and all of it goes there', async () => {
  const { hosts, begin, runFor, cluster } = start();
  const attempts = Array.from({ length: 300 }, () => begin());
  assert.deepEqual(cluster.hosts[0]?.http?.sizes, { idle: 0, busy: 0, connecting: 1, pending: 300 });
  await runFor(500);
  assert.ok(attempts.every(({ status }) => status === 200));
  assert.equal(hosts[0]?.connections.length, 1);
});

test('when streams run out another connection is made; who finds none waits, and is served by what comes back', async () => {
  const limits = {
    maxConnections: 2,
    maxPending: 3,
    maxRequests: 100,
    maxRetries: 3,
    retryBudgetPercent: null,
    minRetryConcurrency: 3,
  };
  const { hosts, begin, runFor, cluster } = start({ http2: { ...HTTP2_DEFAULTS, maxStreams: 4 }, limits });
  const [host] = hosts;
  assert.ok(host !== undefined);
  host.status = 0;
  const first = [begin(), begin(), begin()];
  await runFor(50);
  for (let i = 0; i < 5; i++) {
    first.push(begin());
    await runFor(50);
  }
  assert.ok(first.every(({ stream }) => stream !== null));
  assert.equal(host.open, 2);
  const more = Array.from({ length: 5 }, () => begin());
  await runFor(50);
  assert.deepEqual(
    more.map(({ refused }) => refused),
    ['', '', '', 'UO', 'UO'],
  );
  assert.equal(cluster.hosts[0]?.http?.sizes.pending, 3);
  host.status = 200;
  for (const attempt of first.slice(0, 3)) {
    attempt.stream?.reset(RESET.cancelled);
    attempt.finish(OUTCOME.cancelled);
  }
  await runFor(50);
  assert.ok(more.slice(0, 3).every(({ status }) => status === 200));
  assert.equal(host.connections.length, 2);
});

test('a server that drains takes what it has begun, and the next requests another connection', async () => {
  const { hosts, begin, ask, runFor, cluster } = start();
  const [host] = hosts;
  assert.ok(host !== undefined);
  host.status = 0;
  const long = begin();
  await runFor(20);
  host.status = 200;
  host.servers[0]?.drain();
  await runFor(20);
  assert.ok((await ask(3)).every(({ status }) => status === 200));
  assert.equal(host.connections.length, 2);
  assert.equal(long.reset, null);
  long.stream?.reset(RESET.cancelled);
  long.finish(OUTCOME.cancelled);
  await runFor(2_000);
  assert.equal(host.open, 1);
  assert.equal(cluster.circuit.connections.used, 1);
});

test('who waits is served although the only connection drains with a stream that lasts', async () => {
  const limits = {
    maxConnections: 1,
    maxPending: 9,
    maxRequests: 9,
    maxRetries: 3,
    retryBudgetPercent: null,
    minRetryConcurrency: 3,
  };
  const { hosts, begin, runFor } = start({ http2: { ...HTTP2_DEFAULTS, maxStreams: 1 }, limits });
  const [host] = hosts;
  assert.ok(host !== undefined);
  host.status = 0;
  const long = begin();
  await runFor(50);
  const waiting = begin();
  await runFor(50);
  assert.equal(waiting.stream, null);
  host.status = 200;
  host.servers[0]?.drain();
  await runFor(3_000);
  assert.equal(waiting.status, 200);
  assert.equal(long.reset, null);
});

test('a connection without streams goes after the idle timeout, and one whose peer vanished after a PING', async () => {
  const idle = start({ idleTimeoutMs: 5_000 });
  await idle.ask(1);
  await idle.runFor(4_500);
  assert.equal(idle.hosts[0]?.open, 1);
  await idle.runFor(1_000);
  assert.equal(idle.hosts[0]?.open, 0);
  const http2 = { ...HTTP2_DEFAULTS, keepAliveIntervalMs: 10_000, keepAliveTimeoutMs: 2_000 };
  const { sim, hosts, begin, runFor, cluster } = start({ http2 });
  const [host] = hosts;
  assert.ok(host !== undefined);
  host.status = 0;
  const attempt = begin();
  await runFor(1_000);
  sim.network.partition('10.0.0.1', host.address);
  await runFor(10_000);
  assert.equal(attempt.reset, null);
  // A PING after an interval without a byte, which may have begun at the end of the last one with some.
  await runFor(13_000);
  assert.equal(attempt.reset, RESET.connection);
  assert.equal(cluster.circuit.connections.used, 0);
});
