/**
 * What proxies get, as goldens: one input and one expected output a case. `WEFT_UPDATE_GOLDENS=1` writes them anew.
 * Goldens are the JSON of the very bytes that go over the wire.
 */
import assert from 'node:assert/strict';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { keyOf } from '../../api/resource.ts';
import { readResource } from '../../api/validate.ts';
import { meshKinds } from '../../policies/kinds.ts';
import { shortTypeName, type XdsView } from '../../xds/resource.ts';
import { changes, indexed, json, load, ROOTS, viewsOf } from './golden.fixture.ts';
import { MeshIndex } from '../index/mesh-index.ts';

const goldens = join(import.meta.dirname, 'goldens');
const update = process.env['WEFT_UPDATE_GOLDENS'] === '1';

const cases = globSync(join(goldens, '*.yaml')).toSorted();

test('there are goldens', () => assert.ok(cases.length >= 3));

for (const file of cases) {
  test(`what is written is valid: ${basename(file, '.yaml')}`, () => {
    for (const resource of load(file)) assert.deepEqual(readResource(meshKinds, resource, 'default').violations, []);
  });

  test(`what proxies get: ${basename(file, '.yaml')}`, () => {
    const resources = load(file);
    const views = viewsOf(indexed(resources), resources);
    const text = `${JSON.stringify(Object.fromEntries(Object.entries(views).map(([node, view]) => [node, json(view)])), null, 1)}\n`;
    const expected = file.replace('.yaml', '.json');
    if (update) writeFileSync(expected, text);
    assert.equal(
      text,
      readFileSync(expected, 'utf8'),
      'to accept: WEFT_UPDATE_GOLDENS=1 npm test src/control/generate/generate.test.ts',
    );
  });
}

test('generating after each change equals generating after their sum', () => {
  const all = cases.flatMap(load).map((resource, i) => ({
    ...resource,
    metadata: { ...resource.metadata, uid: `x${i}`, resourceVersion: String(i + 100) },
  }));
  fc.assert(
    fc.property(fc.shuffledSubarray(all), fc.array(fc.nat(40), { maxLength: 8 }), (resources, removals) => {
      const stepwise = new MeshIndex();
      stepwise.apply({ cursor: '', replace: false, changes: changes([ROOTS]) });
      for (const change of changes(resources)) {
        stepwise.apply({ cursor: '', replace: false, changes: [change] });
        viewsOf(stepwise, resources);
      }
      const removed = new Set(removals.map((i) => resources[i % Math.max(1, resources.length)]));
      for (const resource of removed) {
        if (resource === undefined) continue;
        stepwise.apply({ cursor: '', replace: false, changes: [{ key: keyOf(resource), value: null }] });
        viewsOf(stepwise, resources);
      }
      const left = resources.filter((resource) => !removed.has(resource));
      const [a, b] = [viewsOf(stepwise, left), viewsOf(indexed(left), left)];
      for (const node of Object.keys(b)) assert.deepEqual(plain(a[node]), plain(b[node]), node);
    }),
    { numRuns: 40 },
  );
});

test('an endpoint that becomes ready changes one assignment and no other resource', () => {
  const resources = load(join(goldens, 'canary.yaml'));
  const index = indexed(resources);
  const before = viewsOf(index, resources);
  const workload = resources.find((resource) => resource.metadata.name === 'catalog-2');
  assert.ok(workload);
  const value = { ...workload, metadata: { ...workload.metadata, resourceVersion: '99' }, status: { ready: false } };
  index.apply({ cursor: '', replace: false, changes: [{ key: keyOf(value), value }] });
  const after = viewsOf(index, resources);
  const changed: string[] = [];
  for (const [type, named] of after['shop/web-1'] ?? [])
    for (const [name, resource] of named)
      if (before['shop/web-1']?.get(type)?.get(name)?.version !== resource.version)
        changed.push(`${shortTypeName(type)} ${name}`);
  assert.deepEqual(changed, ['ClusterLoadAssignment 80|catalog-v2.shop']);
});

/** What a view holds, without how: two layers or one map. */
function plain(view: XdsView = new Map()): Map<string, Map<string, unknown>> {
  return new Map([...view].map(([type, named]) => [type, new Map(named)]));
}
