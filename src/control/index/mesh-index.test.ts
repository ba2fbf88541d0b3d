/** The index derives what changed and nothing else, and applying changes one by one equals applying their sum. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { View } from '../../api/reader.ts';
import type { Change } from '../../api/source.ts';
import type { Resource } from '../../api/resource.ts';
import { MeshIndex } from './mesh-index.ts';

const perLabel: View<string, string> = {
  name: 'per-label',
  id: (label) => label,
  derive: (read, label) =>
    read
      .select('Workload', { namespace: 'shop', labels: { app: label } })
      .map((workload) => `${workload.metadata.name}=${String(workload.spec)}`)
      .join(','),
  same: (a, b) => a === b,
};

const total: View<null, string> = {
  name: 'total',
  id: () => '',
  derive: (read) => ['a', 'b', 'c'].map((label) => read.view(perLabel, label)).join(';'),
  same: (a, b) => a === b,
};

const lengthOf: View<string, number> = {
  name: 'length',
  id: (label) => label,
  derive: (read, label) => read.view(perLabel, label).length,
  same: (a, b) => a === b,
};

const doubled: View<string, number> = {
  name: 'doubled',
  id: (label) => label,
  derive: (read, label) => 2 * read.view(lengthOf, label),
  same: (a, b) => a === b,
};

let revision = 0;
function put(name: string, app: string, spec: unknown): Change {
  const key = { kind: 'Workload', namespace: 'shop', name };
  revision++;
  const metadata = { name, namespace: 'shop', labels: { app }, resourceVersion: String(revision), uid: name };
  const value: Resource = { apiVersion: 'weft.mesh/v1', kind: 'Workload', metadata, spec };
  return { key, value };
}

const batch = (changes: Change[], replace = false) => ({ cursor: '', replace, changes });

test('a change derives its dependents again and nothing else', () => {
  const index = new MeshIndex();
  index.apply(batch([put('one', 'a', 1), put('two', 'b', 2)]));
  index.read(perLabel, 'a');
  index.read(perLabel, 'b');
  const before = index.derived;
  const stale = index.apply(batch([put('three', 'b', 3)]));
  assert.deepEqual([...stale], ['per-label b']);
  index.read(perLabel, 'a');
  assert.equal(index.derived, before);
  assert.equal(index.read(perLabel, 'b'), 'three=3,two=2');
});

test('an equal result stops the wave', () => {
  const index = new MeshIndex();
  index.apply(batch([put('one', 'a', 1)]));
  assert.equal(index.read(doubled, 'a'), 10);
  index.apply(batch([put('one', 'a', 7)]));
  const before = index.derived;
  assert.equal(index.read(doubled, 'a'), 10);
  assert.equal(index.derived - before, 2, 'the list and its length, not what is made of the length');
});

test('an object that loses its label leaves the selection', () => {
  const index = new MeshIndex();
  index.apply(batch([put('one', 'a', 1)]));
  index.read(total, null);
  index.apply(batch([put('one', 'b', 1)]));
  assert.equal(index.read(total, null), ';one=1;');
});

test('a replacing batch removes what is not in it', () => {
  const index = new MeshIndex();
  index.apply(batch([put('one', 'a', 1), put('two', 'a', 2)]));
  index.read(total, null);
  index.apply(batch([put('two', 'a', 2)], true));
  assert.equal(index.read(total, null), 'two=2;;');
});

test('a released view and what only it needed are forgotten', () => {
  const index = new MeshIndex();
  index.apply(batch([put('one', 'a', 1)]));
  index.read(total, null);
  index.read(perLabel, 'b');
  index.release(total, null);
  assert.equal(index.size, 1);
  index.release(perLabel, 'b');
  assert.equal(index.size, 0);
});

test('a view that reads itself is an error that names it', () => {
  const loop: View<null, number> = {
    name: 'loop',
    id: () => '',
    derive: (read) => read.view(loop, null),
    same: () => false,
  };
  assert.throws(() => new MeshIndex().read(loop, null), /a view reads itself \(loop/);
});

test('a view that fails is stale again when that changes over which it failed', () => {
  const index = new MeshIndex();
  const broken: View<null, string> = {
    name: 'broken',
    id: () => '',
    derive(read) {
      const made = read.view(perLabel, 'a');
      if (made.includes('bad')) throw new Error('bad');
      return made;
    },
    same: (a, b) => a === b,
  };
  const outer: View<null, string> = { ...broken, name: 'outer', derive: (read) => read.view(broken, null) };
  index.apply(batch([put('one', 'a', 'bad')]));
  assert.throws(() => index.read(outer, null), /bad/);
  assert.ok(index.apply(batch([put('one', 'a', 'good')])).has('outer '));
  assert.equal(index.read(outer, null), 'one=good');
});

test('a view that is derived again is given what it was', () => {
  const index = new MeshIndex();
  const given: unknown[] = [];
  const remembering: View<null, readonly string[]> = {
    name: 'remembering',
    id: () => '',
    derive(read, _key, previous) {
      given.push(previous);
      return [read.view(perLabel, 'a')];
    },
    same: () => false,
  };
  index.apply(batch([put('one', 'a', 1)]));
  const first = index.read(remembering, null);
  index.apply(batch([put('one', 'a', 2)]));
  index.read(remembering, null);
  assert.deepEqual(given, [undefined, first]);
  assert.equal(given[1], first);
});

test('a view is patched when only what it read has changed, and else derived', () => {
  const index = new MeshIndex();
  const log: string[] = [];
  const parts: View<null, Readonly<Record<string, string>>> = {
    name: 'parts',
    id: () => '',
    derive(read) {
      log.push('derived');
      const labels = read.get({ kind: 'Workload', namespace: 'shop', name: 'labels' })?.spec;
      return Object.fromEntries(
        (typeof labels === 'string' ? labels : 'a,b,c').split(',').map((label) => [label, read.view(perLabel, label)]),
      );
    },
    patch(previous, changes) {
      if (changes.some(({ after }) => after === '')) return undefined;
      log.push(
        `patched ${changes.map(({ view, before, after }) => `${view} ${String(before)} to ${String(after)}`).join()}`,
      );
      const now = new Map(changes.map(({ before, after }) => [before, after as string]));
      return Object.fromEntries(Object.entries(previous).map(([label, value]) => [label, now.get(value) ?? value]));
    },
    same: (a, b) => a === b,
  };
  const after = (...changes: readonly Change[]) => {
    log.length = 0;
    for (const change of changes) {
      index.apply(batch([change]));
      // Somebody else is first, and sees what lies between.
      for (const label of ['a', 'b', 'c']) index.read(perLabel, label);
    }
    return index.read(parts, null);
  };
  after(put('one', 'a', 1), put('two', 'b', 2), put('three', 'c', 3));
  assert.deepEqual(log, ['derived']);
  assert.deepEqual(after(put('one', 'a', 4), put('one', 'a', 5)), { a: 'one=5', b: 'two=2', c: 'three=3' });
  assert.deepEqual(log, ['patched per-label one=1 to one=5']);
  assert.deepEqual(after(put('one', 'b', 5)), { a: '', b: 'one=5,two=2', c: 'three=3' });
  assert.deepEqual(log, ['derived'], 'the patch gave up');
  assert.deepEqual(after(put('two', 'b', 7), put('labels', 'none', 'b,c')), { b: 'one=5,two=7', c: 'three=3' });
  assert.deepEqual(log, ['derived'], 'an object that it read has changed too');
});

test('who reads what refers to an object is stale when a reference comes, changes or goes, and else not', () => {
  const index = new MeshIndex();
  const routesTo: View<string, number> = {
    name: 'routes-to',
    id: (name) => name,
    derive: (read, name) => read.referring('HTTPRoute', 'shop', { namespace: 'shop', name }).length,
    same: (a, b) => a === b,
  };
  const route = (parents: readonly object[] | null): Change => {
    const { key, value } = put('r', 'any', parents === null ? null : { parentRefs: parents });
    return { key: { ...key, kind: 'HTTPRoute' }, value };
  };
  const counts = () => [index.read(routesTo, 'a'), index.read(routesTo, 'b')];
  assert.deepEqual(counts(), [0, 0]);
  const stale = (change: Change) => [...index.apply(batch([change]))];
  assert.deepEqual(stale(route([{ name: 'a' }, { name: 'a', port: 80 }])), ['routes-to a']);
  assert.deepEqual(counts(), [1, 0]);
  assert.deepEqual(stale(route([{ name: 'b', namespace: 'shop' }])), ['routes-to a', 'routes-to b']);
  assert.deepEqual(counts(), [0, 1]);
  assert.deepEqual(stale(route([{ name: 'b', namespace: 'other' }])), ['routes-to b']);
  assert.deepEqual(stale({ ...route(null), value: null }), []);
  assert.deepEqual(counts(), [0, 0]);
});

test('applying changes one by one equals applying their sum', () => {
  const change = fc.record({
    name: fc.constantFrom('w1', 'w2', 'w3', 'w4'),
    app: fc.constantFrom('a', 'b', 'c'),
    spec: fc.integer({ min: 0, max: 3 }),
    gone: fc.boolean(),
    read: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (steps) => {
      const stepwise = new MeshIndex();
      const changes = steps.map((step) => {
        const made = put(step.name, step.app, step.spec);
        return step.gone ? { key: made.key, value: null } : made;
      });
      changes.forEach((each, i) => {
        stepwise.apply(batch([each]));
        if (steps[i]?.read === true) stepwise.read(total, null);
      });
      const last = new Map(changes.map((each) => [each.key.name, each]));
      const atOnce = new MeshIndex();
      atOnce.apply(batch([...last.values()]));
      assert.equal(stepwise.read(total, null), atOnce.read(total, null));
    }),
  );
});

test('what a view does not read any more is forgotten', () => {
  const index = new MeshIndex();
  const chosen: View<null, string> = {
    name: 'chosen',
    id: () => '',
    derive(read) {
      const [last] = read.list('Workload', 'shop').slice(-1);
      const name = last?.metadata.name ?? '';
      return read.get({ kind: 'Service', namespace: 'shop', name }) === null ? name : '';
    },
    same: (a, b) => a === b,
  };
  const change = (name: string) => {
    index.apply({ cursor: '1', replace: true, changes: [put(name, 'a', 1)] });
    index.read(chosen, null);
  };
  change('w0');
  const facts = index.facts;
  for (let round = 1; round < 50; round++) change(`w${round}`);
  assert.equal(index.facts, facts);
});

test('a change is seen by all who read it, also by one whose other reads it reached first and left as they were', () => {
  const index = new MeshIndex();
  const unmoved: View<null, string> = {
    name: 'unmoved',
    id: () => '',
    derive: (read) => (read.view(perLabel, 'a') === '' ? 'none' : 'some'),
    same: (a, b) => a === b,
  };
  const outer: View<null, string> = {
    ...unmoved,
    name: 'outer',
    derive: (read) => `${read.view(unmoved, null)} ${read.view(perLabel, 'a')}`,
  };
  index.apply(batch([put('one', 'a', 1)]));
  assert.equal(index.read(outer, null), 'some one=1');
  index.apply(batch([put('one', 'a', 2)]));
  assert.equal(index.read(outer, null), 'some one=2');
});
