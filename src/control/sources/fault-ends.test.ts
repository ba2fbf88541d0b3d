/** A fault ends when its time has come, with nobody doing anything, and does not begin again after a restart. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Resource } from '../../api/resource.ts';
import { keyOf } from '../../api/resource.ts';
import type { Batch } from '../../api/source.ts';
import { hasEnded } from '../../policies/fault-injection/ended.ts';
import type { FaultInjection } from '../../policies/fault-injection/kind.ts';
import { Simulation } from '../../runtime/sim/simulation.ts';
import { MeshIndex } from '../index/mesh-index.ts';
import { FaultEnds } from './fault-ends.ts';

function fault(name: string, until: string | undefined, resourceVersion = '1'): FaultInjection {
  const metadata = { name, namespace: 'shop', uid: name, resourceVersion };
  const targetRefs = [{ group: '', kind: 'Service' as const, name: 'catalog' }];
  const spec = { targetRefs, delay: { fixed: '1s' }, ...(until === undefined ? {} : { until }) };
  return { apiVersion: 'weft.mesh/v1', kind: 'FaultInjection', metadata, spec };
}

function batch(replace: boolean, ...objects: readonly Resource[]): Batch {
  return { cursor: '1', replace, changes: objects.map((value) => ({ key: keyOf(value), value })) };
}

function watched() {
  // The first of January 2026, at midnight.
  const sim = new Simulation({ seed: 1 });
  const index = new MeshIndex();
  const ends = new FaultEnds(index, sim.start().clock);
  const apply = (given: Batch) => {
    index.apply(given);
    ends.observe(given);
  };
  const over = (policy: FaultInjection) => hasEnded(index, policy);
  return { sim, ends, apply, over };
}

test('a fault is over at its time and not before; one without a time never is', async () => {
  const { sim, ends, apply, over } = watched();
  const [early, late, never] = [
    fault('early', '2026-01-01T00:10:00Z'),
    fault('late', '2026-01-01T03:00:00+01:00'),
    fault('never', undefined),
  ];
  apply(batch(true, late, early, never));
  await sim.run(undefined, 599_000);
  assert.deepEqual([early, late, never].map(over), [false, false, false]);
  await sim.run(undefined, 2_000);
  assert.deepEqual([early, late, never].map(over), [true, false, false]);
  await sim.run(undefined, 2 * 3_600_000);
  assert.deepEqual([early, late, never].map(over), [true, true, false]);
  ends.close();
});

test('what ended while nobody watched is over at once, after each replay', () => {
  const { ends, apply, over } = watched();
  const past = fault('past', '2025-12-31T00:00:00Z');
  for (let i = 0; i < 2; i++) {
    apply(batch(true, past));
    assert.equal(over(past), true);
  }
  ends.close();
});

test('a policy that is given a later end begins again, and ends then', async () => {
  const { sim, ends, apply, over } = watched();
  apply(batch(true, fault('x', '2026-01-01T00:01:00Z')));
  await sim.run(undefined, 90_000);
  const later = fault('x', '2026-01-01T00:05:00Z', '2');
  apply(batch(false, later));
  assert.equal(over(later), false);
  await sim.run(undefined, 300_000);
  assert.equal(over(later), true);
  apply({ cursor: '3', replace: false, changes: [{ key: keyOf(later), value: null }] });
  const anew = fault('x', '2026-01-02T00:00:00Z', '4');
  apply(batch(false, anew));
  assert.equal(over(anew), false);
  ends.close();
});
