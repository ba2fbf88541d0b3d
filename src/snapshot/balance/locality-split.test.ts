import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_SPREAD, type LocalityMode, type SpreadPolicy } from '../balance-config.ts';
import { type LocalityCount, pickShare, splitOverLocalities } from './locality-split.ts';
import type { OwnZone } from './own-zone.ts';

const ZONED: LocalityMode = { kind: 'zone-aware', enabledPercent: 100, minClusterSize: 6, failOnPanic: false };

function zone(name: string) {
  return { region: 'r', zone: name, subZone: '' };
}

function ownZone(name: string, callers: Readonly<Record<string, number>> | null = null): OwnZone {
  const shares =
    callers === null ? null : Object.entries(callers).map(([at, share]) => ({ locality: zone(at), share }));
  return { locality: zone(name), callers: shares };
}

function count(name: string, hosts: number, healthyHosts = hosts): LocalityCount {
  return { locality: zone(name), hosts, healthyHosts };
}

function weighted(weights: Readonly<Record<string, number>>): SpreadPolicy {
  const localities = Object.entries(weights).map(([name, weight]) => ({ ...zone(name), priority: 0, weight }));
  return { ...DEFAULT_SPREAD, localities };
}

test('weighted localities get their weight, less what they lack in healthy hosts beyond the overprovisioning', () => {
  const spread = weighted({ a: 3, b: 1 });
  const split = (a: number) =>
    splitOverLocalities({ kind: 'weighted' }, [count('a', 10, a), count('b', 10)], 0, spread, null);
  assert.deepEqual(split(10), [0.75, 0.25]);
  assert.deepEqual(split(8), [0.75, 0.25]);
  assert.ok(Math.abs((split(5)?.[0] ?? 0) - 2.1 / 3.1) < 1e-9);
  assert.deepEqual(split(0), [0, 1]);
});

test('a locality without a weight gets nothing, and without any weight localities are disregarded', () => {
  const counts = [count('a', 1), count('b', 1)];
  assert.deepEqual(splitOverLocalities({ kind: 'weighted' }, counts, 0, weighted({ a: 1 }), null), [1, 0]);
  assert.equal(splitOverLocalities({ kind: 'weighted' }, counts, 0, weighted({}), null), null);
  assert.equal(splitOverLocalities({ kind: 'weighted' }, counts, 1, weighted({ a: 1 }), null), null);
});

test('zone aware, everything stays in the own zone when it has its share of the hosts', () => {
  const counts = [count('a', 4), count('b', 2), count('c', 2)];
  assert.deepEqual(splitOverLocalities(ZONED, counts, 0, DEFAULT_SPREAD, ownZone('a')), [1, 0, 0]);
});

test('zone aware, a zone with too few hosts keeps what it can bear and passes the rest to those with more', () => {
  const counts = [count('a', 1), count('b', 6), count('c', 2)];
  const split = splitOverLocalities(ZONED, counts, 0, DEFAULT_SPREAD, ownZone('a')) ?? [];
  assert.ok(Math.abs((split[0] ?? 0) - 1 / 3) < 1e-9);
  assert.ok(Math.abs((split[1] ?? 0) - 2 / 3) < 1e-9, 'only b has more than its share');
  assert.equal(split[2], 0);
});

test('where callers are counted, a zone keeps as much as its callers have hosts there', () => {
  const counts = [count('a', 3), count('b', 3)];
  const split = (callers: Readonly<Record<string, number>>, mode: LocalityMode = ZONED) =>
    splitOverLocalities(mode, counts, 0, DEFAULT_SPREAD, ownZone('a', callers))?.map((share) =>
      Number(share.toFixed(6)),
    );
  assert.deepEqual(split({ a: 0.5, b: 0.5 }), [1, 0]);
  assert.deepEqual(split({ a: 0.625, b: 0.375 }), [0.8, 0.2]);
  assert.deepEqual(split({ b: 1 }), [1, 0], 'nobody of this zone is known to call');
  assert.equal(split({}), undefined, 'nothing is known of the callers');
  // Envoy's default for clusters that say nothing of localities.
  assert.deepEqual(split({ a: 0.625, b: 0.375 }, { kind: 'none' }), [0.8, 0.2]);
  assert.equal(split({ a: 0.625, b: 0.375 }, { kind: 'weighted' }), undefined);
});

test('zones are disregarded where the proxy does not know its own, has none of its own, or the cluster is too small', () => {
  const counts = [count('a', 4), count('b', 4)];
  const split = (own: string | null, each = counts, priority = 0) =>
    splitOverLocalities(ZONED, each, priority, DEFAULT_SPREAD, own === null ? null : ownZone(own));
  assert.equal(split(null), null);
  assert.equal(split('elsewhere'), null);
  assert.equal(split('a', [count('a', 2), count('b', 3)]), null);
  assert.equal(split('a', [count('a', 9)]), null);
  assert.equal(split('a', [count('a', 9, 0), count('b', 9)]), null);
  assert.equal(split('a', counts, 1), null);
  assert.deepEqual(split('a'), [1, 0]);
});

test('a share of 0 is never picked', () => {
  assert.equal(pickShare([0, 1, 0], 0), 1);
  assert.equal(pickShare([0, 1, 0], 0.999_999), 1);
  assert.equal(pickShare([0.5, 0, 0.5], 0.5), 2);
  // Shares that miss 1 by rounding.
  assert.equal(pickShare([0.3, 0.699_999, 0], 0.999_999_9), 1);
});
