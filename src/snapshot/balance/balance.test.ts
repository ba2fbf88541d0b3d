import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { BalanceConfig } from '../balance-config.ts';
import type { BalanceHost, PickFacts } from './balancer.ts';
import { createBalancer } from './create-balancer.ts';
import { pickCluster } from './pick-cluster.ts';
import { configOf, facts, host, seeded } from './sample-hosts.ts';

const WEIGHTED = ['round-robin', 'least-request', 'random'] as const;
const POLICIES = [...WEIGHTED, 'peak-ewma', 'ring-hash', 'maglev'] as const;

function tally(config: Partial<BalanceConfig>, hosts: readonly BalanceHost[], picks: number, by: PickFacts): number[] {
  const balancer = createBalancer(configOf({ tableSize: 1_009, ...config }));
  const counts = hosts.map(() => 0);
  for (let i = 0; i < picks; i++) {
    const at = balancer.pick(hosts, by);
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return counts;
}

for (const policy of WEIGHTED) {
  test(`${policy} gives idle hosts a share near their weight`, () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 6 }),
        fc.nat(),
        (weights, seed) => {
          const hosts = weights.map((weight) => host({ weight }));
          const picks = 4000;
          const total = weights.reduce((a, b) => a + b, 0);
          tally({ policy }, hosts, picks, facts(seed)).forEach((count, i) => {
            const expected = ((weights[i] ?? 0) / total) * picks;
            const slack = policy === 'round-robin' ? hosts.length + 1 : 5 * Math.sqrt(expected) + 10;
            assert.ok(Math.abs(count - expected) <= slack, `${count} picks, ${expected} expected`);
          });
        },
      ),
      { numRuns: 30 },
    );
  });
}

for (const policy of POLICIES) {
  test(`${policy} picks a host that was tried already only when there is no other`, () => {
    const draft = fc.record({ weight: fc.integer({ min: 1, max: 3 }), avoid: fc.boolean() });
    const drafts = fc.array(draft, { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(drafts, fc.nat(), (each, seed) => {
        const hosts = each.map(({ weight }) => host({ weight }));
        const by = facts(
          seed,
          hosts.filter((_, i) => each[i]?.avoid),
        );
        const balancer = createBalancer(configOf({ policy, tableSize: 1_009 }));
        for (let i = 0; i < 20; i++) {
          const picked = each[balancer.pick(hosts, by)];
          assert.ok(picked !== undefined);
          if (each.some(({ avoid }) => !avoid)) assert.equal(picked.avoid, false);
        }
      }),
      { numRuns: 50 },
    );
  });

  test(`${policy} has nothing to pick from an empty array`, () => {
    assert.equal(createBalancer(configOf({ policy })).pick([], facts(1)), -1);
  });
}

test('least-request prefers the idle one of two hosts', () => {
  const hosts = [host({}, { active: 9 }), host()];
  const [busy = 0, idle = 0] = tally({ policy: 'least-request' }, hosts, 1000, facts(7));
  assert.ok(idle > 2.5 * busy, `${idle} to ${busy}`);
});

test('least-request with more choices leaves a busy host alone', () => {
  const hosts = [host({}, { active: 9 }), host(), host()];
  const [busy = 0] = tally({ policy: 'least-request', choices: 8 }, hosts, 1000, facts(7));
  assert.ok(busy <= 3, `${busy} of 1000`);
});

test('least-request counts a busy host less when weights differ, as much as the bias says', () => {
  const hosts = [host({ weight: 2 }, { active: 9 }), host({ weight: 1 })];
  const share = (activeRequestBias: number): number => {
    const [busy = 0, idle = 0] = tally({ policy: 'least-request', activeRequestBias }, hosts, 4000, facts(7));
    return busy / (busy + idle);
  };
  assert.ok(Math.abs(share(1) - 1 / 6) < 0.03, `bias 1: ${share(1)}`);
  assert.ok(Math.abs(share(0) - 2 / 3) < 0.03, `bias 0: ${share(0)}`);
  assert.ok(Math.abs(share(2) - 1 / 51) < 0.02, `bias 2: ${share(2)}`);
});

test('round robin spreads a heavy host instead of bunching it', () => {
  const hosts = [host({ weight: 5 }), host(), host()];
  const balancer = createBalancer(configOf());
  const by = facts(3);
  const order = Array.from({ length: 7 }, () => balancer.pick(hosts, by)).join('');
  assert.equal(order, '0010200');
});

test('round robin begins at a random host', () => {
  const hosts = Array.from({ length: 10 }, () => host());
  const first = new Set(Array.from({ length: 50 }, (_, seed) => createBalancer(configOf()).pick(hosts, facts(seed))));
  assert.ok(first.size >= 8, `${first.size} of 10`);
});

test('a cluster of weight 0 gets nothing, the others their share', () => {
  const clusters = [
    { name: 'none', weight: 0, subset: null, header: null },
    { name: 'stable', weight: 90, subset: null, header: null },
    { name: 'canary', weight: 10, subset: null, header: null },
  ];
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (random01) => {
      assert.equal(pickCluster(clusters, random01).name, random01 < 0.9 ? 'stable' : 'canary');
    }),
  );
});

test('the same chance gives the same picks', () => {
  for (const policy of POLICIES) {
    const hosts = Array.from({ length: 7 }, (_, i) => host({ weight: 1 + (i % 3) }));
    const run = (): string => {
      const balancer = createBalancer(configOf({ policy, tableSize: 1_009 }));
      const by = { ...facts(0), random: seeded(42) };
      return Array.from({ length: 50 }, () => balancer.pick(hosts, by)).join();
    };
    assert.equal(run(), run(), policy);
  }
});
