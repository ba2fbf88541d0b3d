import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type BalanceConfig, DEFAULT_SPREAD, type SpreadPolicy } from '../balance-config.ts';
import { HEALTH, type Health } from './balancer.ts';
import { LoadBalancer } from './load-balancer.ts';
import { configOf, facts, host, type SampleHost } from './sample-hosts.ts';

const POLICIES = ['round-robin', 'least-request', 'random', 'peak-ewma', 'ring-hash', 'maglev'] as const;

function balancerOf(
  hosts: readonly SampleHost[],
  parts: Partial<BalanceConfig> = {},
  spread: Partial<SpreadPolicy> = {},
  zone = '',
): LoadBalancer<SampleHost> {
  const own = zone === '' ? null : { locality: { region: '', zone, subZone: '' }, callers: null };
  const balancer = new LoadBalancer<SampleHost>(configOf({ tableSize: 1_009, ...parts }), own);
  balancer.setHosts(hosts, { ...DEFAULT_SPREAD, ...spread });
  return balancer;
}

function shareOf(balancer: LoadBalancer<SampleHost>, isOne: (host: SampleHost) => boolean, picks = 5_000): number {
  const by = facts(11);
  let count = 0;
  for (let i = 0; i < picks; i++) {
    const picked = balancer.pick(by);
    if (picked !== null && isOne(picked)) count++;
  }
  return count / picks;
}

for (const policy of POLICIES) {
  test(`${policy}: who is out gets nothing unless so many are out that it is panic, and who leaves never gets anything`, () => {
    const health = fc.constantFrom(...Object.values(HEALTH));
    fc.assert(
      fc.property(fc.array(health, { minLength: 1, maxLength: 12 }), fc.nat(), (healths, seed) => {
        const hosts = healths.map((each) =>
          host({ health: each === HEALTH.leaving ? 'draining' : 'healthy' }, { health: each }),
        );
        const balancer = balancerOf(hosts, { policy });
        const by = facts(seed);
        const staying = healths.filter((each) => each !== HEALTH.leaving);
        const available = staying.filter((each) => each <= HEALTH.degraded).length;
        for (let i = 0; i < 10; i++) {
          const picked = balancer.pick(by);
          if (staying.length === 0) {
            assert.equal(picked, null);
            continue;
          }
          assert.ok(picked !== null);
          assert.notEqual(picked.health, HEALTH.leaving);
          if (by.panic) assert.ok((100 * available) / staying.length < 50);
          else assert.ok(picked.health <= HEALTH.degraded);
          // One that refuses connections is the very last.
          const isLast = staying.every((each) => each === HEALTH.unreachable);
          if (picked.health === HEALTH.unreachable) assert.ok(by.panic && isLast);
        }
      }),
      { numRuns: 60 },
    );
  });

  test(`${policy}: a change of health shows in the next pick`, () => {
    const hosts = [host(), host(), host()];
    const balancer = balancerOf(hosts, { policy });
    const [first] = hosts as [SampleHost];
    assert.ok(shareOf(balancer, (each) => each === first, 1_000) > 0.1);
    first.health = HEALTH.unhealthy;
    balancer.healthChanged();
    assert.equal(
      shareOf(balancer, (each) => each === first, 1_000),
      0,
    );
  });

  test(`${policy}: a priority with few healthy hosts gives the next its share`, () => {
    const hosts = [...Array(4)].flatMap((_, i) => [
      host({ priority: 0 }, { health: (i < 2 ? HEALTH.healthy : HEALTH.unhealthy) as Health }),
      host({ priority: 3 }),
    ]);
    const share = shareOf(balancerOf(hosts, { policy }), ({ endpoint }) => endpoint.priority === 0);
    assert.ok(Math.abs(share - 0.7) < 0.04, `${share}`);
  });
}

test('a request with a hash finds its host again though its priority is shared', () => {
  const hosts = [
    ...[0, 1, 2, 3].map((i) => host({ priority: 0 }, { health: i < 2 ? HEALTH.healthy : HEALTH.unhealthy })),
    ...[0, 1, 2].map(() => host({ priority: 1 })),
  ];
  const balancer = balancerOf(hosts, { policy: 'maglev' });
  for (let hash = 0; hash < 1_000; hash++) {
    const first = balancer.pick({ ...facts(1), hash });
    assert.equal(balancer.pick({ ...facts(2), hash }), first);
  }
});

test('localities are served by weight, and within one by the policy', () => {
  const inZone = (zone: string) => host({ locality: { region: '', zone, subZone: '' } });
  const hosts = [inZone('a'), inZone('b'), inZone('b'), inZone('b')];
  const localities = ['a', 'b'].map((zone) => ({ region: '', zone, subZone: '', priority: 0, weight: 1 }));
  const balancer = balancerOf(hosts, { locality: { kind: 'weighted' } }, { localities });
  const share = shareOf(balancer, ({ endpoint }) => endpoint.locality.zone === 'a');
  assert.ok(Math.abs(share - 0.5) < 0.03, `${share}`);
});

test('the own zone is served, but for the share of requests that shall not be zone aware', () => {
  const hosts = ['a', 'b'].flatMap((zone) =>
    [...Array(4)].map(() => host({ locality: { region: '', zone, subZone: '' } })),
  );
  const share = (enabledPercent: number): number => {
    const locality = { kind: 'zone-aware', enabledPercent, minClusterSize: 6, failOnPanic: false } as const;
    return shareOf(balancerOf(hosts, { locality }, {}, 'a'), ({ endpoint }) => endpoint.locality.zone === 'a');
  };
  assert.equal(share(100), 1);
  assert.ok(Math.abs(share(40) - 0.7) < 0.03);
});

test('a zone aware cluster may send nothing in panic', () => {
  const hosts = [...Array(4)].map(() => host({}, { health: HEALTH.unhealthy }));
  const locality = { kind: 'zone-aware', enabledPercent: 100, minClusterSize: 6, failOnPanic: true } as const;
  const by = facts(1);
  assert.equal(balancerOf(hosts, { locality }).pick(by), null);
  assert.equal(by.panic, true);
});

for (const policy of ['round-robin', 'least-request'] as const) {
  test(`${policy}: a new host gets its share by and by`, () => {
    const slowStart = { windowMs: 10_000, aggression: 1, minWeightPercent: 10 };
    const share = (ageMs: number, aggression = 1): number => {
      const hosts = [host(), host(), host({}, { inServiceSince: 1_000_000 - ageMs })];
      const balancer = balancerOf(hosts, { policy, slowStart: { ...slowStart, aggression } });
      return shareOf(balancer, (each) => each === hosts[2]);
    };
    assert.ok(Math.abs(share(0) - 0.1 / 2.1) < 0.02, `${share(0)} at first`);
    assert.ok(Math.abs(share(5_000) - 0.5 / 2.5) < 0.03, `${share(5_000)} at half time`);
    assert.ok(Math.abs(share(2_500, 2) - 0.5 / 2.5) < 0.03, 'aggression 2 has half the weight after a quarter');
    assert.ok(Math.abs(share(20_000) - 1 / 3) < 0.03, `${share(20_000)} in the end`);
  });
}

test('a retry that leaves priorities goes to the next that has somebody, and to the same where nobody else does', () => {
  const hosts = [0, 0, 1, 2].map((priority) => host({ priority }));
  const balancer = new LoadBalancer(configOf(), null);
  balancer.setHosts(hosts, DEFAULT_SPREAD);
  const priorityOf = (leaves: readonly number[]) => balancer.pick({ ...facts(1), leaves })?.endpoint.priority;
  assert.deepEqual([[], [0], [0, 1], [1], [0, 2], [0, 1, 2]].map(priorityOf), [0, 1, 2, 0, 1, 0]);
});
