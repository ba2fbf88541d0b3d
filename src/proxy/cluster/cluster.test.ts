import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_BALANCE, endpointAt } from '../../../test/support/proxy-snapshots.ts';
import { simCluster } from '../../../test/support/sim-cluster.ts';
import { DEFAULT_SPREAD } from '../../snapshot/balance-config.ts';

test('the share of requests that the control plane wants to be dropped is, by category and name', async () => {
  const { hosts, configure, ask, counter } = simCluster(1);
  const endpoints = hosts.map(({ address }) => endpointAt({ host: address, port: 80 }));
  const drops = [
    { category: 'never', share: 0 },
    { category: 'load', share: 0.5 },
  ];
  configure(endpoints, { inline: { name: 'a.shop', endpoints, ...DEFAULT_SPREAD, drops } });
  const attempts = await ask(200);
  const dropped = attempts.filter(({ refused }) => refused === 'DO');
  assert.ok(dropped.length > 70 && dropped.length < 130, `${dropped.length} of 200`);
  assert.ok(dropped.every(({ detail }) => detail.includes('(load)')));
  assert.ok(attempts.every(({ refused, status }) => refused === 'DO' || status === 200));
  assert.equal(counter('weft_limit_fired_total'), dropped.length);
});

test('a new host, and one that is healthy again, gets its share by and by', async () => {
  const slowStart = { windowMs: 60_000, aggression: 1, minWeightPercent: 10 };
  const balance = { ...DEFAULT_BALANCE, policy: 'random', slowStart } as const;
  const { hosts, endpoints, configure, ask, runFor } = simCluster(3, { balance });
  const [a, b, c] = hosts;
  assert.ok(a !== undefined && b !== undefined && c !== undefined);
  configure(endpoints([a, b]));
  await runFor(120_000);
  /** Of 300 requests, which take two seconds. */
  const shareOf = async (host: typeof c): Promise<number> => {
    const before = host.requests.length;
    await ask(300);
    return (host.requests.length - before) / 300;
  };
  configure(endpoints([a, b, c]));
  assert.ok((await shareOf(c)) < 0.12, 'at the beginning');
  await runFor(28_000);
  const half = await shareOf(c);
  assert.ok(half > 0.14 && half < 0.28, `${half} half-way`);
  await runFor(60_000);
  assert.ok((await shareOf(c)) > 0.26, 'at last');
  configure([...endpoints([a, b]), ...endpoints([c], { health: 'unhealthy' })]);
  await runFor(30_000);
  configure(endpoints([a, b, c]));
  assert.ok((await shareOf(c)) < 0.12, 'again');
});

test('peak EWMA learns from answers and from what never answered, and a host that fails fast is not preferred', async () => {
  const balance = { ...DEFAULT_BALANCE, policy: 'peak-ewma' } as const;
  for (const failing of [false, true]) {
    const { hosts, ask, cluster, runFor } = simCluster(2, { balance });
    const [slow, fast] = hosts;
    assert.ok(slow !== undefined && fast !== undefined);
    slow.delayMs = 80;
    fast.delayMs = 40;
    await ask(60);
    assert.ok(fast.requests.length > 40, `${fast.requests.length} of 60 to the fast one`);
    const [ofSlow, ofFast] = cluster.hosts.map(({ latency }) => latency.ms);
    assert.ok(ofSlow !== undefined && ofSlow > 60 && ofFast !== undefined && ofFast > 40 && ofFast < 60);
    if (!failing) continue;
    slow.status = -1;
    slow.delayMs = 0;
    const before = slow.requests.length;
    for (let i = 0; i < 6; i++) {
      await ask(10);
      await runFor(10_000);
    }
    const tried = slow.requests.length - before;
    assert.ok(tried > 0 && tried < 15, `${tried} of 60 to the one that fails`);
    assert.equal(cluster.hosts[0]?.latency.ms, ofSlow, 'its failures came sooner than its answers ever did');
  }
});

test('what was connected under another transport is not used again, and the new one has its own connections', async () => {
  const { hosts, configure, endpoints, ask, runFor, cluster } = simCluster(1);
  const [host] = hosts;
  await ask(2);
  assert.equal(host?.connections.length, 1);
  configure(endpoints(hosts), { transportHash: 'another' });
  await runFor(10);
  assert.equal(host?.open, 0);
  await ask(2);
  assert.equal(host?.connections.length, 2);
  assert.equal(cluster.circuit.connections.used, 1);
});
