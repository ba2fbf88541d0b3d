import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_BALANCE } from '../../../test/support/proxy-snapshots.ts';
import { simCluster } from '../../../test/support/sim-cluster.ts';

const zone = (name: string) => ({ region: 'north', zone: name, subZone: '' });
const ZONE_AWARE = { kind: 'zone-aware', enabledPercent: 100, minClusterSize: 2, failOnPanic: false } as const;

/** Three hosts in zone a, where this proxy is, and three in zone b. */
function start(balance: Partial<typeof DEFAULT_BALANCE>, priorityOfB: number) {
  const sim = simCluster(6, { balance: { ...DEFAULT_BALANCE, ...balance } }, 5, zone('a'));
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
    zone('a'),
  );
  const [lone, ...others] = hosts;
  assert.ok(lone !== undefined);
  configure([...endpoints([lone], { locality: zone('a') }), ...endpoints(others, { locality: zone('b') })]);
  await ask(300);
  // A sixth of the hosts for half of the callers: a third of their requests.
  assert.ok(lone.requests.length > 70 && lone.requests.length < 130, `${lone.requests.length} of 300`);
});
