import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterOf, DEFAULT_BALANCE, endpointAt, snapshotOf } from '../../../test/support/proxy-snapshots.ts';
import { simCluster } from '../../../test/support/sim-cluster.ts';
import type { Endpoint } from '../../snapshot/snapshot.ts';
import { Callers } from './callers.ts';

const zone = (name: string) => ({ region: 'north', zone: name, subZone: '' });
const ZONE_AWARE = { kind: 'zone-aware', enabledPercent: 100, minClusterSize: 2, failOnPanic: false } as const;

/** Three hosts in zone a, where this proxy is, and three in zone b. */
function start(balance: Partial<typeof DEFAULT_BALANCE>, priorityOfB: number) {
  const sim = simCluster(6, { balance: { ...DEFAULT_BALANCE, ...balance } }, 5, { locality: zone('a'), callers: null });
  const { hosts, endpoints, configure, ask } = sim;
  const [a, b] = [hosts.slice(0, 3), hosts.slice(3)];
  configure([
    ...endpoints(a, { locality: zone('a') }),
    ...endpoints(b, { locality: zone('b'), priority: priorityOfB }),
  ]);
  const seen = (each: typeof hosts): number => each.reduce((sum, host) => sum + host.requests.length, 0);
  /** How many of so many requests go to zone a. */
  const inZone = async (requests: number): Promise<number> => {
    const before = seen(a);
    const attempts = await ask(requests);
    assert.ok(attempts.every(({ status }) => status === 200));
    return seen(a) - before;
  };
  return { ...sim, a, b, inZone };
}

for (const [mode, balance, priorityOfB] of [
  ['zone-aware routing', { locality: ZONE_AWARE }, 0],
  ['priorities by distance', {}, 1],
] as const) {
  test(`${mode}: requests stay in the own zone while it is healthy, fall over when it is not, and come back`, async () => {
    const { a, b, inZone, begin, runFor, configure, endpoints } = start(balance, priorityOfB);
    assert.equal(await inZone(60), 60);
    const told = (health: 'healthy' | 'unhealthy') =>
      configure([
        ...endpoints(a, { locality: zone('a'), health }),
        ...endpoints(b, { locality: zone('b'), priority: priorityOfB }),
      ]);
    told('unhealthy');
    assert.equal(await inZone(60), 0);
    told('healthy');
    assert.equal(await inZone(60), 60);
    // Without a word of the control plane: connects fail.
    for (const host of a) host.refuse();
    // Until what was open has lain idle for too long.
    await runFor(16_000);
    for (let i = 0; i < 3; i++) {
      begin();
      await runFor(20);
    }
    assert.equal(await inZone(20), 0);
    for (const host of a) host.listen();
    await runFor(30_000);
    assert.equal(await inZone(30), 30);
  });
}

test('a zone with less than its share of the hosts keeps what it can carry', async () => {
  const { hosts, endpoints, configure, ask } = simCluster(
    6,
    { balance: { ...DEFAULT_BALANCE, locality: ZONE_AWARE } },
    5,
    { locality: zone('a'), callers: null },
  );
  const [lone, ...others] = hosts;
  assert.ok(lone !== undefined);
  configure([...endpoints([lone], { locality: zone('a') }), ...endpoints(others, { locality: zone('b') })]);
  await ask(300);
  // A sixth of the hosts for half of the callers: a third of their requests.
  assert.ok(lone.requests.length > 70 && lone.requests.length < 130, `${lone.requests.length} of 300`);
});

test('where the cluster of the callers is named, its hosts say what a zone may keep, and a change of them counts at once', async () => {
  const callers = new Callers(zone('a'), 'callers');
  const { world, clusters, hosts, endpoints, runFor, beginAt } = simCluster(6, {}, 5, null, callers);
  const near = hosts.slice(0, 3);
  const upstream = [...endpoints(near, { locality: zone('a') }), ...endpoints(hosts.slice(3), { locality: zone('b') })];
  const caller = (host: string, name: string) => endpointAt({ host, port: 80 }, { locality: zone(name) });
  const inZone = async (own: readonly Endpoint[]): Promise<number> => {
    const next = snapshotOf({ clusters: [clusterOf('a.shop', upstream), clusterOf('callers', own)] });
    const cluster = clusters.apply(next).get('a.shop');
    assert.ok(cluster !== undefined);
    const seen = () => near.reduce((sum, host) => sum + host.requests.length, 0);
    const before = seen();
    for (let i = 0; i < 200; i++) {
      beginAt(cluster);
      await runFor(3);
    }
    return seen() - before;
  };
  assert.equal(world.callers, callers);
  const even = [caller('10.1.0.1', 'a'), caller('10.1.0.2', 'b')];
  assert.equal(await inZone(even), 200);
  const most = await inZone([...even, caller('10.1.0.3', 'a'), caller('10.1.0.4', 'a')]);
  // Half of the hosts for three quarters of the callers: two thirds stay.
  assert.ok(most > 110 && most < 160, `${most} of 200`);
  const none = await inZone([]);
  assert.ok(none > 80 && none < 120, `${none} of 200, by turns`);
});
