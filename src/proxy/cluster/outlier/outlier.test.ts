import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simCluster, type SimHost } from '../../../../test/support/sim-cluster.ts';
import type { OutlierConfig } from '../../../snapshot/outlier-config.ts';
import { HostMonitor } from './host-monitor.ts';

const RULES: OutlierConfig = {
  intervalMs: 10_000,
  baseEjectionMs: 30_000,
  maxEjectionMs: 300_000,
  ejectionJitterMs: 0,
  maxEjectionPercent: 50,
  consecutive5xx: { count: 5, enforcingPercent: 100 },
  consecutiveGateway: { count: 5, enforcingPercent: 0 },
  splitLocalOrigin: false,
  consecutiveLocalOrigin: { count: 5, enforcingPercent: 100 },
  successRate: { minHosts: 5, minRequests: 100, stdevFactor: 1.9, enforcingPercent: 0 },
  failurePercentage: { thresholdPercent: 85, minHosts: 5, minRequests: 50, enforcingPercent: 0 },
};

function served(attempts: readonly { host: string }[], address: string): number {
  return attempts.filter(({ host }) => host === `${address}:80`).length;
}

test('five failures in a row take a host out for 30 s, the next time for 60 s, and the log says whom and why', async () => {
  const { hosts, ask, runFor, log, counter } = simCluster(4, { outlier: RULES });
  const [bad] = hosts;
  assert.ok(bad !== undefined);
  bad.status = 500;
  await ask(20);
  assert.equal(bad.requests.length, 5);
  const line = log.lines.find(({ message }) => message === 'host ejected');
  assert.deepEqual(line?.fields, {
    cluster: 'a.shop',
    endpoint: '10.0.1.1:80',
    workload: '',
    cause: 'consecutive-5xx',
    durationMs: 30_000,
  });
  assert.equal(counter('weft_outlier_ejected_total'), 1);
  await runFor(29_000);
  assert.equal(served(await ask(8), bad.address), 0);
  await runFor(2_000);
  assert.equal(served(await ask(20), bad.address), 5, 'it is back, and out again');
  await runFor(59_000);
  assert.equal(served(await ask(8), bad.address), 0);
  bad.status = 200;
  await runFor(2_000);
  assert.ok(served(await ask(8), bad.address) > 0);
  assert.deepEqual(log.messages('warn'), [
    'host ejected',
    'host is back after its ejection',
    'host ejected',
    'host is back after its ejection',
  ]);
});

test('an ejection is never longer than the maximum, but for the jitter, and does not grow for nothing', async () => {
  for (const ejectionJitterMs of [0, 5_000]) {
    const outlier = { ...RULES, maxEjectionMs: 70_000, ejectionJitterMs };
    const { hosts, ask, runFor, log } = simCluster(2, { outlier });
    const [bad] = hosts;
    assert.ok(bad !== undefined);
    bad.status = 500;
    const durations = (): number[] =>
      log.lines.filter(({ message }) => message === 'host ejected').map(({ fields }) => Number(fields['durationMs']));
    for (let round = 0; round < 8; round++) {
      await ask(12);
      await runFor((durations().at(-1) ?? 0) + 1_000);
    }
    const expected = [30_000, 60_000, 70_000, 70_000, 70_000, 70_000, 70_000, 70_000];
    const jitters = durations().map((each, i) => each - (expected[i] ?? 0));
    assert.equal(jitters.length, expected.length);
    assert.ok(
      jitters.every((each) => each >= 0 && each <= ejectionJitterMs),
      String(jitters),
    );
    assert.equal(new Set(jitters).size > 1, ejectionJitterMs > 0);
    // Out of service nothing is forgiven, in service as much as was earned: three steps, at an interval each.
    bad.status = 200;
    for (let i = 0; i < 4; i++) {
      await ask(2);
      await runFor(10_000);
    }
    bad.status = 500;
    await ask(12);
    assert.ok((durations().at(-1) ?? 0) < 40_000);
  }
});

const rule = { count: 3, enforcingPercent: 100 };
const none = { count: 5, enforcingPercent: 0 };
for (const [cause, rules, fail] of [
  ['consecutive-5xx', { consecutive5xx: rule, consecutiveGateway: none }, (host: SimHost) => (host.status = 500)],
  ['consecutive-gateway', { consecutive5xx: none, consecutiveGateway: rule }, (host: SimHost) => (host.status = 504)],
  [
    'consecutive-local-origin',
    { consecutive5xx: none, splitLocalOrigin: true, consecutiveLocalOrigin: rule },
    (host: SimHost) => (host.status = -1),
  ],
] as const) {
  test(`${cause}: so many in a row take a host out, fewer do not`, async () => {
    const { hosts, ask, log } = simCluster(2, { outlier: { ...RULES, ...rules } });
    const [bad] = hosts;
    assert.ok(bad !== undefined);
    fail(bad);
    await ask(4);
    bad.status = 200;
    await ask(4);
    assert.deepEqual(log.messages('warn'), []);
    fail(bad);
    await ask(10);
    assert.equal(log.lines.find(({ message }) => message === 'host ejected')?.fields['cause'], cause);
    assert.equal(bad.requests.length, 2 + 2 + 3);
  });
}

test('time in service is forgiven: after it the next ejection is a short one again', async () => {
  const { hosts, ask, runFor, log } = simCluster(2, { outlier: RULES });
  const [bad] = hosts;
  assert.ok(bad !== undefined);
  bad.status = 503;
  await ask(12);
  await runFor(31_000);
  bad.status = 200;
  await ask(4);
  await runFor(25_000);
  bad.status = 503;
  await ask(12);
  const durations = log.lines
    .filter(({ message }) => message === 'host ejected')
    .map(({ fields }) => fields['durationMs']);
  assert.deepEqual(durations, [30_000, 30_000]);
});

test('one good response ends a row of failures', async () => {
  const { hosts, ask, counter } = simCluster(1, { outlier: RULES });
  const [only] = hosts;
  assert.ok(only !== undefined);
  for (const status of [500, 500, 500, 500, 200, 503, 503, 503, 503, 404]) {
    only.status = status;
    await ask(1);
  }
  assert.equal(counter('weft_outlier_detected_total'), 0);
});

test('no more hosts than the maximum are out at once, but always one may be', async () => {
  for (const [maxEjectionPercent, expected] of [
    [10, 1],
    [34, 4],
    [0, 0],
  ] as const) {
    const { hosts, ask, counter } = simCluster(10, { outlier: { ...RULES, maxEjectionPercent } });
    for (const host of hosts.slice(0, 6)) host.status = 500;
    await ask(80);
    assert.equal(counter('weft_outlier_ejected_total'), expected, `${maxEjectionPercent} %`);
    assert.ok(counter('weft_outlier_overflow_total') > 0);
  }
});

test('what is not enforced is only counted', async () => {
  const outlier = { ...RULES, consecutive5xx: { count: 5, enforcingPercent: 0 } };
  const { hosts, ask, counter } = simCluster(1, { outlier });
  const [only] = hosts;
  assert.ok(only !== undefined);
  only.status = 500;
  await ask(11);
  assert.equal(counter('weft_outlier_detected_total'), 2);
  assert.equal(counter('weft_outlier_ejected_total'), 0);
});

test('of what is detected so many per cent are ejected as are to be enforced', async () => {
  const outlier = { ...RULES, maxEjectionPercent: 100, consecutive5xx: { count: 1, enforcingPercent: 30 } };
  const { hosts, ask, counter } = simCluster(40, { outlier });
  for (const host of hosts) host.status = 500;
  await ask(60);
  const [detected, ejected] = [counter('weft_outlier_detected_total'), counter('weft_outlier_ejected_total')];
  assert.ok(detected >= 40 && ejected > detected * 0.1 && ejected < detected * 0.55, `${ejected} of ${detected}`);
});

test('the host that succeeds far less often than the others is taken out at the end of an interval', async () => {
  const successRate = { ...RULES.successRate, minRequests: 20, enforcingPercent: 100 };
  const { hosts, ask, runFor, log } = simCluster(8, { outlier: { ...RULES, successRate } });
  const [bad] = hosts;
  for (let i = 0; i < 30; i++) {
    // Never five in a row.
    if (bad !== undefined) bad.status = i % 4 === 0 ? 200 : 500;
    await ask(8);
  }
  assert.equal(log.messages('warn').length, 0);
  await runFor(10_000);
  const line = log.lines.find(({ message }) => message === 'host ejected');
  assert.equal(line?.fields['cause'], 'success-rate');
  assert.equal(line?.fields['endpoint'], '10.0.1.1:80');
});

test('a host that fails too many of its requests is taken out, also when all are about as bad', async () => {
  const failurePercentage = { thresholdPercent: 60, minHosts: 2, minRequests: 10, enforcingPercent: 100 };
  const { hosts, ask, runFor, counter } = simCluster(2, {
    outlier: { ...RULES, maxEjectionPercent: 100, failurePercentage },
  });
  for (let i = 0; i < 20; i++) {
    for (const host of hosts) host.status = i % 4 === 0 ? 200 : 500;
    await ask(2);
  }
  await runFor(10_000);
  assert.equal(counter('weft_outlier_ejected_total'), 2);
});

test('failures without a response count as gateway failures, or by their own rule where they are split', () => {
  const causes: string[] = [];
  const owner = { reached: (_: HostMonitor, cause: string) => void causes.push(cause), noted: () => {} };
  const together = new HostMonitor({ ...RULES, consecutive5xx: { count: 3, enforcingPercent: 100 } }, owner);
  for (let i = 0; i < 3; i++) together.failedLocally();
  assert.deepEqual(causes.splice(0), ['consecutive-5xx']);
  const split = new HostMonitor({ ...RULES, splitLocalOrigin: true }, owner);
  for (let i = 0; i < 5; i++) split.failedLocally();
  assert.deepEqual(causes.splice(0), ['consecutive-local-origin']);
  assert.deepEqual([split.requests, split.localRequests, split.localFailures], [0, 5, 5]);
  for (const status of [502, 503, 504, 502, 503]) split.response(status);
  assert.deepEqual(causes.splice(0), ['consecutive-gateway', 'consecutive-5xx']);
  for (const status of [502, 503, 500, 502, 503, 504]) split.response(status);
  assert.deepEqual(causes.splice(0), ['consecutive-5xx'], 'a 500 is no gateway failure and ends their row');
});

test('of a gRPC call the status counts, not the 200 around it', () => {
  const causes: string[] = [];
  const owner = { reached: (_: HostMonitor, cause: string) => void causes.push(cause), noted: () => {} };
  const monitor = new HostMonitor(RULES, owner);
  for (const status of [14, 14, 13, 2]) monitor.grpcStatus(status);
  monitor.grpcStatus(5);
  for (const status of [14, 4, 14, 4, 14]) monitor.grpcStatus(status);
  assert.deepEqual(causes, ['consecutive-gateway', 'consecutive-5xx']);
});

test('a host that refuses connections is left alone for 500 ms, then longer, without any outlier detection', async () => {
  const { hosts, ask, runFor, cluster } = simCluster(3);
  const [gone] = hosts;
  gone?.refuse();
  await runFor(5);
  const first = await ask(9);
  assert.equal(first.filter(({ refused }) => refused === 'UF').length, 1);
  await runFor(600);
  assert.equal((await ask(9)).filter(({ refused }) => refused === 'UF').length, 1);
  await runFor(600);
  assert.equal((await ask(9)).filter(({ refused }) => refused === 'UF').length, 0, 'the second pause is a second');
  gone?.listen();
  await runFor(500);
  assert.equal((await ask(9)).filter(({ status }) => status === 200).length, 9);
  assert.ok(cluster.hosts.every(({ fault }) => fault === ''));
});

test('most hosts refuse connections: those that do not get everything, panic or not', async () => {
  const { hosts, ask, runFor } = simCluster(5);
  for (const host of hosts.slice(1)) host.refuse();
  await runFor(5);
  await ask(10);
  assert.equal((await ask(20)).filter(({ status }) => status === 200).length, 20);
});

test('without failures nothing wakes up', async () => {
  const { ask, runFor, timers, cluster } = simCluster(2, { outlier: RULES, idleTimeoutMs: 1_000 });
  await ask(10);
  await runFor(25_000);
  assert.equal(timers.size, 0);
  cluster.close();
});
