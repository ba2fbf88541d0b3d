import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simCluster } from '../../../test/support/sim-cluster.ts';
import { OUTCOME } from './attempt.ts';

const start = (hosts: number) => {
  const sim = simCluster(hosts, { discovery: 'original-dst', inline: null });
  const { cluster, hosts: servers, runFor } = sim;
  const at = (i: number) => ({ host: servers[i]?.address ?? '', port: 80 });
  const ask = async (i: number) => {
    const attempt = sim.begin({ destination: at(i) });
    await runFor(50);
    return attempt;
  };
  return { ...sim, at, askAt: ask, keys: () => cluster.hosts.map(({ key }) => key) };
};

test('a request goes where its connection was meant to go, on connections that are kept', async () => {
  const { askAt, hosts } = start(3);
  for (const i of [2, 0, 2, 2]) assert.equal((await askAt(i)).host, `${hosts[i]?.address}:80`);
  assert.deepEqual(
    hosts.map(({ requests }) => requests.length),
    [1, 0, 3],
  );
  assert.equal(hosts[2]?.connections.length, 1);
});

test('a destination that nobody uses any more is forgotten, one that carries something is not', async () => {
  const { askAt, begin, at, runFor, keys, hosts, timers } = start(3);
  await askAt(0);
  const [, silent] = hosts;
  if (silent !== undefined) silent.status = 0;
  const long = begin({ destination: at(1) });
  for (let second = 0; second < 12; second++) {
    await askAt(2);
    await runFor(1_000);
  }
  assert.deepEqual(keys().toSorted(), ['10.0.1.2:80', '10.0.1.3:80']);
  assert.equal(hosts[0]?.open, 0, 'its connection has gone with it');
  assert.equal(long.reset, null);
  long.stream?.reset(2);
  long.finish(OUTCOME.cancelled);
  await runFor(16_000);
  assert.deepEqual(keys(), []);
  assert.equal(timers.size, 0);
});

test('another port may be wanted; without a destination, or with this proxy’s own, there is no host', async () => {
  const { configure, begin, runFor, world, at, hosts } = start(1);
  const refusal = begin({ destination: { host: '10.0.0.1', port: 0 } });
  assert.match(`${refusal.refused} ${refusal.detail}`, /^UH no original destination/);
  world.dialer.own.add({ host: '10.0.0.1', port: 15_001 });
  assert.equal(begin({ destination: { host: '10.0.0.1', port: 15_001 } }).refused, 'UH');
  configure([], { originalPort: 80 });
  const attempt = begin({ destination: { ...at(0), port: 4_711 } });
  await runFor(50);
  assert.equal(attempt.status, 200);
  assert.equal(hosts[0]?.requests.length, 1);
});

test('the table is bounded: what is idle makes room, what is in use is not put out', () => {
  const { cluster, configure, begin, counter } = start(0);
  const many = 10_000;
  const limits = { ...cluster.config.limits, maxConnections: many, maxPending: many, maxRequests: many };
  configure([], { limits });
  const destination = (i: number) => ({ host: `10.1.${i >> 8}.${i & 255}`, port: 80 });
  const used = Array.from({ length: 4_096 }, (_, i) => begin({ destination: destination(i) }));
  const { refused, detail } = begin({ destination: destination(5_000) });
  assert.match(`${refused} ${detail}`, /^UH /);
  assert.equal(counter('weft_limit_fired_total'), 1);
  cluster.done(used[7] as (typeof used)[number], OUTCOME.cancelled);
  assert.equal(begin({ destination: destination(5_000) }).refused, '');
  const keys = new Set(cluster.hosts.map(({ key }) => key));
  assert.equal(keys.size, 4_096);
  assert.deepEqual([keys.has('10.1.0.7:80'), keys.has('10.1.19.136:80')], [false, true]);
});
