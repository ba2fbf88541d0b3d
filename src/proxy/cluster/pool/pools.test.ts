import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simCluster } from '../../../../test/support/sim-cluster.ts';
import { OUTCOME } from '../attempt.ts';

test('a burst at a cold endpoint makes few connections at once, more with each that succeeds, and serves everybody', async () => {
  const { hosts, begin, sim, cluster } = simCluster(1);
  const [host] = hosts;
  const attempts = Array.from({ length: 200 }, () => begin());
  const sizes = () => cluster.hosts[0]?.http?.sizes;
  assert.equal(sizes()?.connecting, 4);
  assert.equal(sizes()?.pending, 200);
  let most = 0;
  await sim.run(() => {
    most = Math.max(most, sizes()?.connecting ?? 0);
    return attempts.every(({ ended }) => ended);
  }, 5_000);
  assert.ok(attempts.every(({ status }) => status === 200));
  assert.ok(most > 4 && most <= 64, `${most} at once`);
  assert.ok((host?.connections.length ?? 0) < 200, 'those that came first served again');
});

test('an endpoint that has failed is met with one dial at a time', async () => {
  const { hosts, begin, runFor, cluster } = simCluster(1);
  hosts[0]?.refuse();
  await runFor(5);
  begin();
  await runFor(600);
  for (let i = 0; i < 50; i++) begin();
  assert.equal(cluster.hosts[0]?.http?.sizes.connecting, 1);
});

test('the most recently used connection serves next, and the others go when they have lain idle', async () => {
  const { hosts, begin, ask, runFor } = simCluster(1, { idleTimeoutMs: 10_000 });
  const [host] = hosts;
  for (let i = 0; i < 4; i++) begin();
  await runFor(100);
  assert.equal(host?.open, 4);
  for (let second = 0; second < 12; second++) {
    await ask(1);
    await runFor(1_000);
  }
  assert.equal(host?.open, 1);
  assert.equal(host?.connections.length, 4, 'no new one was needed');
});

test('idle connections are closed before the server closes them', async () => {
  const { hosts, ask, runFor } = simCluster(1, { idleTimeoutMs: 60_000 });
  const [host] = hosts;
  if (host !== undefined) host.headers = 'keep-alive: timeout=5\r\n';
  await ask(1);
  await runFor(3_900);
  assert.equal(host?.open, 1);
  await runFor(200);
  assert.equal(host?.open, 0);
});

test('a connection carries no more requests than the cluster allows', async () => {
  const { hosts, ask } = simCluster(1, { maxRequestsPerConnection: 3 });
  await ask(7);
  assert.equal(hosts[0]?.connections.length, 3);
});

test('a connection grows no older than the cluster allows, busy or idle', async () => {
  const { hosts, ask, runFor } = simCluster(1, { maxConnectionDurationMs: 5_000 });
  const [host] = hosts;
  for (let i = 0; i < 12; i++) {
    await ask(1);
    await runFor(900);
  }
  assert.ok((host?.connections.length ?? 0) >= 2);
  await runFor(5_000);
  assert.equal(host?.open, 0);
});

const HTTP2 = { protocol: 'http2', clearProtocol: 'http2' } as const;

for (const [kind, tunnel, parts] of [
  ['HTTP/1.1', false, {}],
  ['HTTP/2', false, HTTP2],
  ['raw bytes', true, {}],
] as const) {
  test(`${kind}: who waits for an endpoint that leaves goes to another`, async () => {
    const { hosts, begin, configure, endpoints, runFor, sim } = simCluster(2, parts);
    const [gone, stays] = hosts;
    assert.ok(gone !== undefined && stays !== undefined);
    sim.network.partition('10.0.0.1', gone.address);
    const attempts = Array.from({ length: 20 }, () => begin({ tunnel }));
    await runFor(100);
    assert.equal(attempts.filter(({ stream }) => stream === null).length, 10);
    configure(endpoints([stays]));
    await runFor(100);
    assert.ok(attempts.every(({ stream, host }) => stream !== null && host === `${stays.address}:80`));
    assert.equal(gone.connections.length, 0);
  });

  test(`${kind}: when one dial fails only one attempt does, and those behind it go elsewhere`, async () => {
    const { hosts, begin, runFor } = simCluster(2, parts);
    hosts[0]?.refuse();
    await runFor(5);
    const attempts = Array.from({ length: 40 }, () => begin({ tunnel }));
    await runFor(200);
    const refused = attempts.filter((each) => each.refused !== '');
    assert.ok(refused.length >= 1 && refused.length <= 4, `${refused.length} refused`);
    assert.ok(refused.every((each) => each.refused === 'UF'));
    assert.ok(attempts.every((each) => each.refused !== '' || each.stream !== null));
  });

  test(`${kind}: when no host can be reached everybody is told so in the end`, async () => {
    const { hosts, begin, runFor, cluster } = simCluster(3, parts);
    for (const host of hosts) host.refuse();
    await runFor(5);
    const attempts = Array.from({ length: 50 }, () => begin({ tunnel }));
    await runFor(2_000);
    assert.ok(attempts.every((each) => each.refused === 'UF'));
    assert.deepEqual(
      [cluster.circuit.pending.used, cluster.circuit.requests.used, cluster.circuit.connections.used],
      [0, 0, 0],
    );
    assert.ok(cluster.hosts.every(({ active }) => active === 0));
  });
}

test('who waits for a host that is ejected meanwhile goes to another', async () => {
  const rule = { count: 2, enforcingPercent: 100 };
  const never = { count: 0, enforcingPercent: 0 };
  const outlier = {
    intervalMs: 10_000,
    baseEjectionMs: 30_000,
    maxEjectionMs: 300_000,
    ejectionJitterMs: 0,
    maxEjectionPercent: 50,
    consecutive5xx: rule,
    consecutiveGateway: never,
    splitLocalOrigin: false,
    consecutiveLocalOrigin: never,
    successRate: { minHosts: 5, minRequests: 100, stdevFactor: 1.9, enforcingPercent: 0 },
    failurePercentage: { thresholdPercent: 85, minHosts: 5, minRequests: 50, enforcingPercent: 0 },
  };
  const limits = {
    maxConnections: 2,
    maxPending: 100,
    maxRequests: 100,
    maxRetries: 3,
    retryBudgetPercent: null,
    minRetryConcurrency: 3,
  };
  const { hosts, begin, runFor } = simCluster(2, { outlier, limits });
  const [bad] = hosts;
  if (bad !== undefined) bad.status = 503;
  const attempts = Array.from({ length: 20 }, () => begin());
  await runFor(500);
  assert.equal(bad?.requests.length, 2);
  assert.equal(attempts.filter(({ status }) => status === 200).length, 18);
});

test('limits hold: connections, waiting attempts, requests; and everything is given back', async () => {
  const limits = {
    maxConnections: 2,
    maxPending: 3,
    maxRequests: 4,
    maxRetries: 3,
    retryBudgetPercent: null,
    minRetryConcurrency: 3,
  };
  const { hosts, begin, runFor, cluster } = simCluster(1, { limits });
  const attempts = Array.from({ length: 6 }, () => begin());
  assert.deepEqual(
    attempts.map(({ refused }) => refused),
    ['', '', '', 'UO', 'UO', 'UO'],
  );
  await runFor(100);
  assert.equal(hosts[0]?.connections.length, 2);
  assert.ok(attempts.slice(0, 3).every(({ status }) => status === 200));
  assert.deepEqual([cluster.circuit.pending.used, cluster.circuit.requests.used], [0, 0]);
});

test('a tunnel beyond the limit on connections is refused instead of waiting for others to end', async () => {
  const limits = {
    maxConnections: 2,
    maxPending: 9,
    maxRequests: 9,
    maxRetries: 3,
    retryBudgetPercent: null,
    minRetryConcurrency: 3,
  };
  const { begin, runFor, cluster } = simCluster(1, { limits });
  const attempts = Array.from({ length: 5 }, () => begin({ tunnel: true }));
  await runFor(100);
  assert.deepEqual(
    attempts.map(({ refused }) => refused),
    ['', '', 'UO', 'UO', 'UO'],
  );
  for (const attempt of attempts.slice(0, 2)) attempt.stream?.reset(2);
  attempts[0]?.finish(OUTCOME.ok);
  attempts[1]?.finish(OUTCOME.ok);
  assert.equal(cluster.circuit.connections.used, 0);
});

test('an attempt that is cancelled while it waits is gone, and its dial with it where nobody else wants it', async () => {
  for (const tunnel of [false, true]) {
    const { begin, runFor, cluster, hosts } = simCluster(1);
    const attempt = begin({ tunnel });
    cluster.done(attempt, OUTCOME.cancelled);
    assert.equal(cluster.circuit.pending.used, 0);
    await runFor(100);
    assert.equal(attempt.stream, null);
    if (tunnel) assert.equal(hosts[0]?.open, 0);
  }
});

test('an endpoint is not dialed again after it has left', async () => {
  const { hosts, begin, configure, runFor, sim } = simCluster(1);
  const [gone] = hosts;
  sim.network.partition('10.0.0.1', gone?.address ?? '');
  const attempts = Array.from({ length: 8 }, () => begin());
  await runFor(50);
  configure([]);
  sim.network.heal('10.0.0.1', gone?.address ?? '');
  await runFor(10_000);
  assert.equal(gone?.connections.length, 0);
  assert.ok(attempts.every(({ refused }) => refused === 'UH'));
});
