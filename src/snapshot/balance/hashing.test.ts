import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ACCEPT, type BalanceHost, HEALTH } from './balancer.ts';
import { createBalancer } from './create-balancer.ts';
import { buildRing, pickOnRing } from './hash-ring.ts';
import { DEFAULT_SPREAD } from '../balance-config.ts';
import { LoadBalancer } from './load-balancer.ts';
import { buildMaglev } from './maglev.ts';
import { weightOf } from './pick-random.ts';
import { configOf, facts, host, type SampleHost } from './sample-hosts.ts';

const HASHES = Uint32Array.from({ length: 8_000 }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 0);

/** By request: the key of the host that serves it. */
function owners(policy: 'ring-hash' | 'maglev', hosts: readonly BalanceHost[], minRingSize = 4_096) {
  return ownersBut([], policy, hosts, minRingSize);
}

function ownersBut(
  avoid: readonly BalanceHost[],
  policy: 'ring-hash' | 'maglev',
  hosts: readonly BalanceHost[],
  minRingSize = 4_096,
) {
  const balancer = createBalancer(configOf({ policy, minRingSize }));
  const by = facts(1, avoid);
  return Array.from(HASHES, (hash) => {
    by.hash = hash;
    return hosts[balancer.pick(hosts, by)]?.endpoint.key ?? '';
  });
}

function ringOf(hosts: readonly BalanceHost[], max: number) {
  const weights = hosts.map(({ endpoint }) => endpoint.weight);
  return buildRing(hosts, weights, 1_024, max);
}

function fleet(count: number): SampleHost[] {
  return Array.from({ length: count }, () => host());
}

function moved(before: readonly string[], after: readonly string[], but: string): number {
  return before.filter((key, i) => key !== but && after[i] !== but && after[i] !== key).length / before.length;
}

test('a host that leaves or joins a ring moves its own requests, and nobody else one', () => {
  fc.assert(
    fc.property(fc.integer({ min: 9, max: 30 }), fc.nat(), fc.boolean(), (count, which, heavy) => {
      const hosts = fleet(count);
      if (heavy) hosts.push(host({ weight: 3 }));
      const gone = hosts[which % hosts.length] as SampleHost;
      const rest = hosts.filter((each) => each !== gone);
      const [all, fewer] = [owners('ring-hash', hosts, 1_024), owners('ring-hash', rest, 1_024)];
      assert.equal(moved(all, fewer, gone.endpoint.key), 0);
    }),
    { numRuns: 15 },
  );
});

test("a host that leaves Maglev's table moves few requests besides its own", () => {
  for (const count of [3, 10, 50]) {
    const hosts = fleet(count);
    const gone = hosts[1] as SampleHost;
    const rest = hosts.filter((each) => each !== gone);
    const share = moved(owners('maglev', hosts), owners('maglev', rest), gone.endpoint.key);
    assert.ok(share < 0.08, `${share} of the others' requests moved with ${count} hosts`);
  }
});

test("Maglev's shares are even to a per cent or two, a ring's to a third, both by weight", () => {
  const hosts = [...fleet(8), host({ weight: 4 })];
  for (const [policy, slack] of [
    ['maglev', 0.1],
    ['ring-hash', 0.35],
  ] as const) {
    const served = owners(policy, hosts);
    for (const { endpoint } of hosts) {
      const share = served.filter((key) => key === endpoint.key).length / served.length;
      const fair = endpoint.weight / 12;
      assert.ok(Math.abs(share / fair - 1) < slack, `${policy}: ${share} of ${fair}`);
    }
  }
});

test('the order in which hosts are listed changes nothing', () => {
  const hosts = fleet(9);
  const reversed = [...hosts].reverse();
  for (const policy of ['ring-hash', 'maglev'] as const)
    assert.deepEqual(owners(policy, hosts), owners(policy, reversed));
});

test('a host that is ejected or avoided leaves its requests to the next on the ring, and only its own', () => {
  for (const policy of ['ring-hash', 'maglev'] as const) {
    const hosts = fleet(6);
    const out = hosts[2] as SampleHost;
    const before = owners(policy, hosts);
    const avoided = ownersBut([out], policy, hosts);
    out.health = HEALTH.unhealthy;
    const ejected = owners(policy, hosts);
    assert.deepEqual(avoided, ejected);
    assert.equal(moved(before, ejected, out.endpoint.key), 0);
    assert.ok(!ejected.includes(out.endpoint.key));
    const heirs = new Set(ejected.filter((_, i) => before[i] === out.endpoint.key));
    assert.ok(heirs.size > 1, 'its requests are shared out');
  }
});

test('a request without a hash goes anywhere', () => {
  const hosts = fleet(4);
  for (const policy of ['ring-hash', 'maglev'] as const) {
    const balancer = createBalancer(configOf({ policy }));
    const by = facts(5);
    const picked = new Set(Array.from({ length: 100 }, () => balancer.pick(hosts, by)));
    assert.equal(picked.size, 4);
  }
});

test('when only one of a thousand hosts may be picked it is found, within a bounded number of steps', () => {
  const hosts = fleet(1_000);
  for (const each of hosts) each.health = HEALTH.unhealthy;
  const well = hosts[700] as SampleHost;
  well.health = HEALTH.healthy;
  for (const policy of ['ring-hash', 'maglev'] as const) {
    const balancer = createBalancer(configOf({ policy }));
    const by = { ...facts(1), hash: 99, accept: ACCEPT.healthy };
    assert.equal(balancer.pick(hosts, by), 700);
    well.health = HEALTH.unhealthy;
    assert.equal(balancer.pick(hosts, by), -1);
    well.health = HEALTH.healthy;
  }
});

test('a ring has at least its minimum of points, more where there are more hosts, never above its maximum', () => {
  const size = (count: number, max = 262_144): number => ringOf(fleet(count), max).points.length;
  assert.equal(size(1), 1_024);
  assert.equal(size(5), 1_280);
  assert.equal(size(100), 12_800);
  assert.equal(size(100, 1_024), 800);
  const { points } = ringOf(fleet(30), 8_192);
  assert.ok(points.every((point, i) => i === 0 || point >= (points[i - 1] ?? 0)));
});

test('a hash belongs to the first point that is not below it, around the end, whatever the size of the ring', () => {
  const hash = fc.oneof(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.constantFrom(0, 1, 2 ** 31, 2 ** 32 - 1));
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 40 }), fc.constantFrom(1, 7, 1_024), hash, (count, most, wanted) => {
      const hosts = fleet(count);
      const ring = buildRing(hosts, hosts.map(weightOf), 1, most);
      const by = facts(1);
      const near = ring.points.length === 0 ? wanted : (ring.points[wanted % ring.points.length] ?? 0);
      for (const each of [wanted, near, (near + 1) >>> 0, (near - 1) >>> 0]) {
        const first = ring.points.findIndex((point) => point >= each);
        const expected = ring.owners[first < 0 ? 0 : first] ?? -1;
        assert.equal(pickOnRing(ring, hosts, each, by), expected);
      }
    }),
  );
});

test('a host that is a thousand times lighter has its points all the same', () => {
  const { owners: by } = ringOf([host({ weight: 1 }), host({ weight: 1_000 })], 262_144);
  assert.equal(by.filter((owner) => owner === 0).length, 128);
  assert.equal(by.length, 128 * 1_001);
});

test('every entry of a table has an owner, also with more hosts than entries', () => {
  const table = buildMaglev(fleet(20), new Array<number>(20).fill(1), 11);
  assert.equal(table.length, 11);
  assert.equal(new Set(table).size, 11);
});

test('where localities are weighted a ring gives each its share, and one without a weight nothing', () => {
  const inZone = (zone: string) => host({ locality: { region: '', zone, subZone: '' } });
  const hosts = [inZone('a'), inZone('b'), inZone('b'), inZone('b'), inZone('c')];
  const localities = ['a', 'b'].map((zone) => ({ region: '', zone, subZone: '', priority: 0, weight: 5 }));
  for (const policy of ['ring-hash', 'maglev'] as const) {
    const balancer = new LoadBalancer(configOf({ policy, locality: { kind: 'weighted' } }), null);
    balancer.setHosts(hosts, { ...DEFAULT_SPREAD, localities });
    const by = facts(1);
    const zones = Array.from(HASHES, (hash) => {
      by.hash = hash;
      return balancer.pick(by)?.endpoint.locality.zone;
    });
    const share = zones.filter((zone) => zone === 'a').length / zones.length;
    assert.ok(Math.abs(share - 0.5) < 0.08, `${policy}: ${share}`);
    assert.ok(!zones.includes('c'));
  }
});
