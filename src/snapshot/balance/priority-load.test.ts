import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { loadsOf, type PriorityCount } from './priority-load.ts';

function count(healthyHosts: number, hosts = 100, degradedHosts = 0): PriorityCount {
  const weights = { weight: hosts, healthyWeight: healthyHosts, degradedWeight: degradedHosts };
  return { hosts, healthyHosts, degradedHosts, ...weights };
}

test('the first priority keeps what its healthy hosts can bear at 140 %, the rest spills over', () => {
  // The table in Envoy's documentation of priority levels.
  for (const [healthy, first, second] of [
    [100, 100, 0],
    [72, 100, 0],
    [71, 99, 1],
    [50, 70, 30],
    [25, 35, 65],
    [0, 0, 100],
  ] as const) {
    assert.deepEqual(loadsOf([count(healthy), count(100)], 140, 50).healthy, [first, second], `${healthy} % healthy`);
  }
});

test('three priorities are filled one after the other', () => {
  assert.deepEqual(loadsOf([count(25), count(25), count(100)], 140, 50).healthy, [35, 35, 30]);
  assert.deepEqual(loadsOf([count(25), count(0), count(20)], 140, 0).healthy, [56, 0, 44]);
});

test('a priority panics only when all together cannot bear the load', () => {
  const panic = (first: number, second: number): readonly boolean[] =>
    loadsOf([count(first), count(second)], 140, 50).panic;
  assert.deepEqual(panic(72, 72), [false, false]);
  assert.deepEqual(panic(50, 30), [false, false]);
  assert.deepEqual(panic(5, 65), [true, false]);
  assert.deepEqual(loadsOf([count(5), count(65)], 140, 50).healthy, [8, 92]);
  assert.deepEqual(panic(5, 5), [true, true]);
});

test('when every priority panics each gets its share of all hosts', () => {
  assert.deepEqual(loadsOf([count(0, 30), count(0, 70)], 140, 50).healthy, [30, 70]);
  assert.deepEqual(loadsOf([count(0, 0), count(0, 0)], 140, 50).healthy, [100, 0]);
});

test('a threshold of 0 means no panic', () => {
  const { healthy, panic } = loadsOf([count(0), count(0)], 140, 0);
  assert.deepEqual(panic, [false, false]);
  assert.deepEqual(healthy, [100, 0]);
});

test('degraded hosts get what the healthy ones of all priorities leave', () => {
  const loads = loadsOf([count(50, 100, 50), count(10)], 140, 50);
  assert.deepEqual(loads.healthy, [70, 14]);
  assert.deepEqual(loads.degraded, [16, 0]);
});

test('weights decide where the assignment asks for it, but panic counts hosts', () => {
  const few = { hosts: 10, healthyHosts: 2, degradedHosts: 0, weight: 100, healthyWeight: 90, degradedWeight: 0 };
  assert.deepEqual(loadsOf([few, count(100)], 140, 50).healthy, [100, 0]);
});

test('loads always make 100, and no healthy priority is passed over for a later one while it can bear more', () => {
  const priority = fc
    .tuple(fc.nat(20), fc.nat(20), fc.nat(20))
    .map(([healthy, degraded, rest]) => count(healthy, healthy + degraded + rest, degraded));
  const counts = fc.array(priority, { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(counts, fc.integer({ min: 1, max: 300 }), fc.nat(100), (drafts, overprovisioning, threshold) => {
      const { healthy, degraded, panic } = loadsOf(drafts, overprovisioning, threshold);
      const all = [...healthy, ...degraded];
      assert.equal(
        all.reduce((sum, load) => sum + load, 0),
        100,
      );
      assert.ok(all.every((load) => load >= 0 && Number.isInteger(load)));
      if (panic.every(Boolean) || healthy.length === 1) return;
      const whole = healthy.findIndex(
        (_, i) => (overprovisioning * (drafts[i]?.healthyHosts ?? 0)) / (drafts[i]?.hosts || 1) >= 100,
      );
      if (whole >= 0) assert.ok(healthy.slice(whole + 1).every((load) => load === 0));
    }),
  );
});
