import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { simCluster } from '../../../../test/support/sim-cluster.ts';
import { DEFAULT_CHECK, type HealthCheckConfig, type ProbeConfig } from '../../../snapshot/health-check-config.ts';
import { afterCheck, UNCHECKED } from './check-verdict.ts';

const HTTP: ProbeConfig = {
  kind: 'http',
  host: '',
  path: '/healthz',
  method: 'GET',
  expected: [{ from: 200, to: 300 }],
  headers: [{ name: 'x-check', value: 'yes' }],
};

function checks(probe: ProbeConfig, parts: Partial<HealthCheckConfig> = {}): HealthCheckConfig {
  return {
    timeoutMs: 1_000,
    intervalMs: 5_000,
    noTrafficIntervalMs: 5_000,
    noTrafficHealthyIntervalMs: 5_000,
    unhealthyIntervalMs: 5_000,
    intervalJitterMs: 0,
    intervalJitterPercent: 0,
    initialJitterMs: 0,
    unhealthyThreshold: 3,
    healthyThreshold: 2,
    reuseConnection: true,
    probe,
    ...parts,
  };
}

test('requests to a new cluster wait for the first checks, and go to the hosts that pass them', async () => {
  const { hosts, begin, runFor, cluster } = simCluster(3, { healthCheck: checks(HTTP) });
  const [bad] = hosts;
  if (bad !== undefined) bad.status = 404;
  const attempts = Array.from({ length: 12 }, () => begin());
  assert.ok(attempts.every(({ waitsIn }) => waitsIn !== null));
  assert.equal(cluster.circuit.pending.used, 12);
  if (bad !== undefined) await runFor(100);
  assert.ok(attempts.every(({ ended, host }) => ended && host !== `${bad?.address}:80`));
  assert.ok(bad?.requests.every((request) => request.startsWith('GET /healthz')));
  assert.match(bad?.requests[0] ?? '', /\r\nhost: a\.shop\r\n/i);
  assert.match(bad?.requests[0] ?? '', /\r\nx-check: yes\r\n/i);
});

test('a host that does not answer is out after the threshold, and back after its own', async () => {
  const { hosts, ask, runFor, cluster, log } = simCluster(3, { healthCheck: checks(HTTP) });
  await ask(3);
  const [silent] = hosts;
  if (silent !== undefined) silent.status = 0;
  const state = cluster.hosts[0];
  await runFor(11_500);
  assert.equal(state?.fault, '', 'two failures are below the threshold');
  await runFor(7_000);
  assert.equal(state?.fault, 'health check: no answer in time');
  if (silent !== undefined) silent.status = 200;
  await runFor(6_000);
  assert.notEqual(state?.fault, '');
  await runFor(5_000);
  assert.equal(state?.fault, '');
  const about = log.lines.filter(({ fields }) => fields['endpoint'] === '10.0.1.1:80').map(({ message }) => message);
  assert.deepEqual(about, [
    'host passes its health check',
    'host fails its health check',
    'host passes its health check',
  ]);
});

test('a status that is not expected takes a host out at once', async () => {
  const { hosts, runFor, cluster } = simCluster(2, { healthCheck: checks(HTTP) });
  await runFor(100);
  if (hosts[0] !== undefined) hosts[0].status = 500;
  await runFor(5_000);
  assert.equal(cluster.hosts[0]?.fault, 'health check: status 500');
  assert.equal(cluster.hosts[1]?.fault, '');
});

test('checks keep their connection, or make one each time', async () => {
  for (const reuseConnection of [true, false]) {
    const { hosts, runFor } = simCluster(1, { healthCheck: checks(HTTP, { reuseConnection }) });
    await runFor(22_000);
    assert.equal(hosts[0]?.requests.length, 5);
    assert.equal(hosts[0]?.connections.length, reuseConnection ? 1 : 5);
  }
});

test('a cluster without traffic is asked more rarely', async () => {
  const config = checks(HTTP, { noTrafficIntervalMs: 60_000, noTrafficHealthyIntervalMs: 60_000 });
  const { hosts, runFor, ask } = simCluster(1, { healthCheck: config });
  await runFor(59_000);
  assert.equal(hosts[0]?.requests.length, 1);
  await ask(1);
  await runFor(12_000);
  assert.ok((hosts[0]?.requests.length ?? 0) >= 4);
});

test('a host that is well may be asked more rarely still', async () => {
  const config = checks(HTTP, { noTrafficIntervalMs: 1_000, noTrafficHealthyIntervalMs: 30_000 });
  const { hosts, runFor } = simCluster(1, { healthCheck: config });
  await runFor(29_000);
  assert.equal(hosts[0]?.requests.length, 1);
  await runFor(2_000);
  assert.equal(hosts[0]?.requests.length, 2);
});

test('hosts that fail are asked in their own interval', async () => {
  const config = checks(HTTP, { unhealthyIntervalMs: 500 });
  const { hosts, runFor } = simCluster(1, { healthCheck: config });
  if (hosts[0] !== undefined) hosts[0].status = 503;
  await runFor(5_000);
  assert.ok((hosts[0]?.requests.length ?? 0) >= 9);
});

test('a host that says it shall not be checked is well', async () => {
  const { configure, endpoints, hosts, cluster, runFor } = simCluster(1, { healthCheck: checks(HTTP) });
  configure(endpoints(hosts, { check: { ...DEFAULT_CHECK, disabled: true } }));
  await runFor(10_000);
  assert.equal(cluster.hosts[0]?.fault, '');
  assert.equal(hosts[0]?.requests.length, 0);
});

test('a TCP check passes on a connection, or on the answer that it wants', async () => {
  const plain = simCluster(1, { healthCheck: checks({ kind: 'tcp', send: new Uint8Array(0), receive: [] }) });
  await plain.runFor(100);
  assert.equal(plain.cluster.hosts[0]?.fault, '');
  plain.hosts[0]?.refuse();
  await plain.runFor(16_000);
  assert.match(plain.cluster.hosts[0]?.fault ?? '', /^health check: /);

  const send = Buffer.from('PING / HTTP/1.1\r\n\r\n');
  const asking = (receive: readonly Uint8Array[]) =>
    simCluster(1, { healthCheck: checks({ kind: 'tcp', send, receive }) });
  const right = asking([Buffer.from('200'), Buffer.from('length')]);
  await right.runFor(100);
  assert.equal(right.cluster.hosts[0]?.fault, '');
  const wrong = asking([Buffer.from('length'), Buffer.from('200')]);
  await wrong.runFor(2_000);
  assert.match(wrong.cluster.hosts[0]?.fault ?? '', /no answer in time/);
});

test('checks obey the bound on their number, and everybody has a turn', async () => {
  const { world, hosts, runFor, cluster, sim } = simCluster(20, { healthCheck: checks(HTTP) });
  world.checks.max = 2;
  await runFor(2_000);
  assert.ok(hosts.every(({ requests }) => requests.length > 0));
  assert.ok(cluster.hosts.every(({ fault }) => fault === ''));
  assert.ok(world.checks.peak === 2 && world.checks.refused > 0);
  cluster.close();
  assert.equal(world.checks.used, 0);
  const before = hosts.map(({ requests }) => requests.length).join();
  await sim.run(() => false, 30_000);
  assert.equal(hosts.map(({ requests }) => requests.length).join(), before, 'nobody is asked any more');
});

test('a failing check does not count as a failed connect, and hosts are well again when checks are taken away', async () => {
  const { hosts, runFor, cluster, configure, endpoints } = simCluster(1, { healthCheck: checks(HTTP) });
  hosts[0]?.refuse();
  await runFor(2_000);
  assert.equal(cluster.hosts[0]?.connectFailures, 0);
  assert.match(cluster.hosts[0]?.fault ?? '', /health check/);
  configure(endpoints(hosts), { healthCheck: null });
  assert.equal(cluster.hosts[0]?.fault, '');
});

test('a verdict changes only after as many results in a row as its threshold, but for the first', () => {
  const thresholds = { healthyThreshold: 2, unhealthyThreshold: 3 };
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 60 }), (results) => {
      let state = UNCHECKED;
      results.forEach((isWell, i) => {
        const before = state.verdict;
        state = afterCheck(state, isWell, false, thresholds);
        if (i === 0) return assert.equal(state.verdict, isWell ? 'well' : 'failing');
        const needed = before === 'well' ? 3 : 2;
        const tail = results.slice(Math.max(1, i + 1 - needed), i + 1);
        const turned = tail.length === needed && tail.every((each) => each === (before === 'failing'));
        assert.equal(state.verdict !== before, turned);
      });
    }),
  );
});
