import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Random } from '../../core/runtime.ts';
import type { ClusterConfig } from '../snapshot.ts';
import type { BalanceHost, PickFacts } from './balancer.ts';
import { createBalancer } from './create-balancer.ts';
import { pickCluster } from './pick-cluster.ts';

const POLICIES = ['round-robin', 'least-request', 'random'] as const;

function seeded(seed: number): Random {
  let state = seed | 1;
  return {
    next() {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      return (state >>> 0) / 4294967296;
    },
    fill(bytes) {
      bytes.fill(0);
    },
  };
}

function host(weight: number, parts: Partial<BalanceHost> = {}): BalanceHost {
  const endpoint = {
    key: '127.0.0.1:1',
    address: { kind: 'socket', host: '127.0.0.1', port: 1 },
    weight,
    priority: 0,
    locality: { region: '', zone: '', subZone: '' },
    healthy: true,
    workload: '',
    transportLabels: {},
  } as const;
  return { endpoint, active: 0, healthy: true, ejectedUntil: 0, ...parts };
}

function facts(seed: number, avoid: readonly BalanceHost[] = []): PickFacts {
  return { random: seeded(seed), now: 100, avoid, panic: false };
}

function tally(policy: ClusterConfig['policy'], hosts: readonly BalanceHost[], picks: number, by: PickFacts): number[] {
  const balancer = createBalancer({ policy, choices: 2 });
  const counts = hosts.map(() => 0);
  for (let i = 0; i < picks; i++) {
    const at = balancer.pick(hosts, by);
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return counts;
}

for (const policy of POLICIES) {
  test(`${policy} gives idle hosts a share near their weight`, () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 6 }),
        fc.nat(),
        (weights, seed) => {
          const hosts = weights.map((weight) => host(weight));
          const picks = 4000;
          const total = weights.reduce((a, b) => a + b, 0);
          tally(policy, hosts, picks, facts(seed)).forEach((count, i) => {
            const expected = ((weights[i] ?? 0) / total) * picks;
            const slack = policy === 'round-robin' ? hosts.length + 1 : 5 * Math.sqrt(expected) + 10;
            assert.ok(Math.abs(count - expected) <= slack, `${count} picks, ${expected} expected`);
          });
        },
      ),
      { numRuns: 30 },
    );
  });

  test(`${policy} picks an ejected, unhealthy or already tried host only when no other is healthy`, () => {
    const hosts = fc.array(
      fc.record({
        weight: fc.integer({ min: 1, max: 3 }),
        healthy: fc.boolean(),
        ejected: fc.boolean(),
        avoid: fc.boolean(),
      }),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(hosts, fc.nat(), (drafts, seed) => {
        const all = drafts.map((d) => host(d.weight, { healthy: d.healthy, ejectedUntil: d.ejected ? 200 : 100 }));
        const by = facts(
          seed,
          all.filter((_, i) => drafts[i]?.avoid),
        );
        const balancer = createBalancer({ policy, choices: 2 });
        const usable = drafts.filter((d) => d.healthy && !d.ejected);
        for (let i = 0; i < 20; i++) {
          const picked = drafts[balancer.pick(all, by)];
          assert.ok(picked !== undefined);
          assert.equal(by.panic, usable.length === 0);
          if (usable.length > 0) assert.ok(picked.healthy && !picked.ejected);
          if (usable.some((d) => !d.avoid)) assert.equal(picked.avoid, false);
        }
      }),
    );
  });

  test(`${policy} has nothing to pick from an empty array`, () => {
    assert.equal(createBalancer({ policy, choices: 2 }).pick([], facts(1)), -1);
  });
}

test('least-request prefers the idle one of two hosts', () => {
  const [busy = 0, idle = 0] = tally('least-request', [host(1, { active: 9 }), host(1)], 1000, facts(7));
  assert.ok(idle > 2.5 * busy, `${idle} to ${busy}`);
});

test('least-request counts a busy host less when weights differ', () => {
  const [busy = 0, idle = 0] = tally('least-request', [host(2, { active: 9 }), host(1)], 1000, facts(7));
  assert.ok(idle > 3 * busy, `${idle} to ${busy}`);
});

test('round robin spreads a heavy host instead of bunching it', () => {
  const hosts = [host(5), host(1), host(1)];
  const balancer = createBalancer({ policy: 'round-robin', choices: 2 });
  const by = facts(3);
  const order = Array.from({ length: 7 }, () => balancer.pick(hosts, by)).join('');
  assert.equal(order, '0010200');
});

test('a cluster of weight 0 gets nothing, the others their share', () => {
  const clusters = [
    { name: 'none', weight: 0 },
    { name: 'stable', weight: 90 },
    { name: 'canary', weight: 10 },
  ];
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (random01) => {
      assert.equal(pickCluster(clusters, random01).name, random01 < 0.9 ? 'stable' : 'canary');
    }),
  );
});
