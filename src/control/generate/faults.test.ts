/** From the policy to what the proxy reads: the end of a fault arrives, and an ended one is gone from every route. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { keyOf, type Resource } from '../../api/resource.ts';
import { FILTER_MODULES } from '../../filters/all.ts';
import { endedFault } from '../../policies/fault-injection/ended.ts';
import type { FaultInjection } from '../../policies/fault-injection/kind.ts';
import { applyDelta, EMPTY_SNAPSHOT } from '../../snapshot/apply.ts';
import type { RouteEntry } from '../../snapshot/route-table.ts';
import { TYPE_URLS } from '../../xds/resource.ts';
import { indexed, load } from './golden.fixture.ts';
import { proxyView } from './proxy-view.ts';

const resources = load(join(import.meta.dirname, 'goldens', 'faults.yaml'));

/** Routes with a fault, as the caller's proxy has them. */
function faulty(...more: readonly Resource[]): readonly RouteEntry[] {
  const index = indexed(resources);
  index.apply({ cursor: '', replace: false, changes: more.map((value) => ({ key: keyOf(value), value })) });
  const view = index.read(proxyView, { namespace: 'depot', workload: 'picker-1' });
  const changed = [...(view.get(TYPE_URLS.routes)?.values() ?? [])];
  const { next, refused } = applyDelta(
    EMPTY_SNAPSHOT,
    { type: TYPE_URLS.routes, changed, removed: [] },
    FILTER_MODULES,
  );
  assert.deepEqual(refused, []);
  const all = [...next.routes.values()].flatMap(({ hosts }) => hosts.flatMap(({ routes }) => routes));
  return all.filter(({ overrides }) => overrides.some(({ name }) => name === 'envoy.filters.http.fault'));
}

test('the proxy knows when a fault ends, where it does', () => {
  const ends = new Map(faulty().map(({ info }) => [info.name.split(' ')[0], info.faultsUntilMs]));
  assert.equal(ends.get('depot/stock/1'), Date.UTC(2100, 0, 1));
  assert.equal(ends.get('depot/stock/slow'), 0);
});

test('one that has ended is in no route, and the others are where they were', () => {
  const outage = resources.find(({ metadata }) => metadata.name === 'outage') as FaultInjection;
  const named = (routes: readonly RouteEntry[]) => new Set(routes.map(({ info }) => info.name.split(' ')[0]));
  assert.ok(named(faulty()).has('depot/stock/1'));
  const left = named(faulty(endedFault(outage)));
  assert.equal(left.has('depot/stock/1'), false);
  assert.ok(left.has('depot/stock/slow'));
});
