/** What every Store promises, run against each implementation. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { type Key, keyText, type Resource } from '../../api/resource.ts';
import { isWeftError } from '../../core/errors.ts';
import { createLogStore } from './log-store.ts';
import { noPersistence } from './persistence.ts';
import { openSqlitePersistence } from './sqlite/sqlite-persistence.ts';
import { MAX_OBJECT_BYTES, type Store, type StoreBatch } from './store.ts';

const directory = mkdtempSync(join(tmpdir(), 'weft-store-'));
after(() => rmSync(directory, { recursive: true }));
let files = 0;

const BOUNDS = { maxCommits: 100, maxBytes: 1_000_000 };
const openers: Record<string, (path: string) => Store> = {
  memory: () => createLogStore(noPersistence, BOUNDS),
  sqlite: (path) => createLogStore(openSqlitePersistence(path), BOUNDS),
};

function key(name: string, namespace = 'shop', kind = 'Service'): Key {
  return { kind, namespace, name };
}

function service(name: string, spec: unknown = {}, namespace = 'shop'): Resource {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec };
}

async function put(store: Store, resource: Resource): Promise<string> {
  return store.commit([{ key: key(resource.metadata.name, resource.metadata.namespace), value: resource }], []);
}

async function take(store: Store, from: string | null, count: number): Promise<StoreBatch[]> {
  const stop = new AbortController();
  const batches: StoreBatch[] = [];
  for await (const batch of store.watch(from, stop.signal)) {
    batches.push(batch);
    if (batches.length === count) stop.abort();
  }
  return batches;
}

function failsWith(code: string) {
  return (error: unknown) => isWeftError(error) && error.code === code;
}

for (const [name, open] of Object.entries(openers)) {
  const newStore = () => open(join(directory, `${name}-${(files += 1)}.db`));

  describe(`store: ${name}`, () => {
    test('a commit gives every value its revision, and revisions grow by one', async () => {
      const store = newStore();
      assert.equal(await put(store, service('catalog')), '1');
      assert.equal(await put(store, service('stock')), '2');
      assert.equal((await store.get(key('catalog')))?.metadata.resourceVersion, '1');
      assert.equal((await store.list('Service')).cursor, '2');
      await store.close();
    });

    test('a commit of many objects is applied whole or not at all', async () => {
      const store = newStore();
      await put(store, service('catalog'));
      const changes = ['stock', 'catalog'].map((name) => ({ key: key(name), value: service(name, { new: true }) }));
      const stale = [{ key: key('catalog'), resourceVersion: '7' }];
      await assert.rejects(store.commit(changes, stale), failsWith('conflict'));
      assert.equal(await store.get(key('stock')), null);
      assert.equal(await store.commit(changes, [{ key: key('catalog'), resourceVersion: '1' }]), '2');
      assert.equal((await store.get(key('catalog')))?.metadata.resourceVersion, '2');
      assert.equal((await store.get(key('stock')))?.metadata.resourceVersion, '2');
      await store.close();
    });

    test('expectations: absent, present, gone', async () => {
      const store = newStore();
      const absent = [{ key: key('catalog'), resourceVersion: '' }];
      const change = [{ key: key('catalog'), value: service('catalog') }];
      await store.commit(change, absent);
      await assert.rejects(store.commit(change, absent), failsWith('already-exists'));
      await store.commit([{ key: key('catalog'), value: null }], []);
      await assert.rejects(
        store.commit(change, [{ key: key('catalog'), resourceVersion: '1' }]),
        failsWith('not-found'),
      );
      await store.close();
    });

    test('of writers that race with the same expectation, one wins', async () => {
      const store = newStore();
      await put(store, service('catalog'));
      const race = Array.from({ length: 10 }, (_, n) =>
        store.commit(
          [{ key: key('catalog'), value: service('catalog', { n }) }],
          [{ key: key('catalog'), resourceVersion: '1' }],
        ),
      );
      const outcomes = await Promise.allSettled(race);
      assert.equal(outcomes.filter((outcome) => outcome.status === 'fulfilled').length, 1);
      assert.deepEqual((await store.get(key('catalog')))?.spec, { n: 0 });
      await store.close();
    });

    test('a commit that changes nothing keeps the revision and wakes nobody', async () => {
      const store = newStore();
      await put(store, service('catalog'));
      assert.equal(await store.commit([], []), '1');
      assert.equal(await store.commit([{ key: key('absent'), value: null }], []), '1');
      await store.close();
    });

    test('one key twice, and an object that is too large, are refused', async () => {
      const store = newStore();
      const twice = [service('a'), service('a')].map((value) => ({ key: key('a'), value }));
      await assert.rejects(store.commit(twice, []), failsWith('invalid'));
      const large = service('large', { text: 'x'.repeat(MAX_OBJECT_BYTES) });
      await assert.rejects(put(store, large), failsWith('limit-exceeded'));
      await store.close();
    });

    test('lists are by kind and namespace, in order, and what they hold cannot be changed', async () => {
      const store = newStore();
      await put(store, service('b'));
      await put(store, service('a', { ports: [{ port: 80 }] }));
      await put(store, service('c', {}, 'shop-two'));
      const names = async (namespace?: string) =>
        (await store.list('Service', namespace)).items.map((item) => item.metadata.name);
      assert.deepEqual(await names('shop'), ['a', 'b']);
      assert.deepEqual(await names(), ['a', 'b', 'c']);
      assert.deepEqual((await store.list('Workload')).items, []);
      const found = await store.get(key('a'));
      assert.throws(() => Object.assign(found?.spec ?? {}, { ports: [] }), TypeError);
      await store.close();
    });

    test('what a writer does to its object after the commit does not reach the store', async () => {
      const store = newStore();
      const spec = { ports: [{ port: 80 }] };
      await put(store, service('catalog', spec));
      spec.ports.push({ port: 81 });
      assert.deepEqual((await store.get(key('catalog')))?.spec, { ports: [{ port: 80 }] });
      await store.close();
    });

    test('a watch replays the state, then follows, one batch a commit, with what was there before', async () => {
      const store = newStore();
      await put(store, service('catalog', { n: 1 }));
      const seen = take(store, null, 3);
      await put(store, service('catalog', { n: 2 }));
      await store.commit([{ key: key('catalog'), value: null }], []);
      const [first, second, third] = await seen;
      assert.equal(first?.replace, true);
      assert.deepEqual(first?.changes[0]?.value?.spec, { n: 1 });
      assert.equal(second?.replace, false);
      assert.deepEqual(second?.changes[0]?.previous?.spec, { n: 1 });
      assert.deepEqual(second?.changes[0]?.value?.spec, { n: 2 });
      assert.equal(third?.changes[0]?.value, null);
      assert.deepEqual(third?.changes[0]?.previous?.spec, { n: 2 });
      assert.equal(third?.cursor, '3');
      await store.close();
    });

    test('a watch resumes from any revision that is kept', async () => {
      const store = newStore();
      for (let n = 1; n <= 5; n += 1) await put(store, service('catalog', { n }));
      const specs = (await take(store, '2', 3)).map((batch) => batch.changes[0]?.value?.spec);
      assert.deepEqual(specs, [{ n: 3 }, { n: 4 }, { n: 5 }]);
      await store.close();
    });

    test('a revision that was compacted away, or is from another store, is too old', async () => {
      const store = newStore();
      for (let n = 1; n <= 5; n += 1) await put(store, service('catalog', { n }));
      await store.compact('3');
      await assert.rejects(take(store, '2', 1), failsWith('too-old'));
      await assert.rejects(take(store, '99', 1), failsWith('too-old'));
      assert.equal((await take(store, '3', 1))[0]?.cursor, '4');
      assert.deepEqual((await store.get(key('catalog')))?.spec, { n: 5 });
      await store.close();
    });

    test('history is bounded without anybody asking', async () => {
      const store = newStore();
      for (let n = 1; n <= 150; n += 1) await put(store, service('catalog', { n }));
      await assert.rejects(take(store, '30', 1), failsWith('too-old'));
      assert.equal((await take(store, '100', 1))[0]?.cursor, '101');
      await store.close();
    });

    test('close ends watches and refuses commits', async () => {
      const store = newStore();
      const watch = take(store, '0', 1);
      await store.close();
      assert.deepEqual(await watch, []);
      await assert.rejects(put(store, service('catalog')), failsWith('unavailable'));
    });
  });
}

test('sqlite: objects, revisions and history survive a restart as they were', async () => {
  const operations = fc.array(
    fc.record({ name: fc.constantFrom('a', 'b', 'c'), value: fc.option(fc.integer()), compact: fc.boolean() }),
    { maxLength: 30 },
  );
  await fc.assert(
    fc.asyncProperty(operations, async (steps) => {
      const path = join(directory, `restart-${(files += 1)}.db`);
      const memory = createLogStore(noPersistence, BOUNDS);
      const first = createLogStore(openSqlitePersistence(path), BOUNDS);
      for (const { name, value, compact } of steps) {
        const change = [{ key: key(name), value: value === null ? null : service(name, { value }) }];
        const revision = await first.commit(change, []);
        assert.equal(await memory.commit(change, []), revision);
        if (!compact || Number(revision) < 2) continue;
        await memory.compact(String(Number(revision) - 2));
        await first.compact(String(Number(revision) - 2));
      }
      await first.close();
      const second = createLogStore(openSqlitePersistence(path), BOUNDS);
      assert.deepEqual(await second.list('Service'), await memory.list('Service'));
      const { cursor } = await memory.list('Service');
      const from = String(Math.max(Number(cursor) - 2, 0));
      const missed = Number(cursor) - Number(from);
      if (missed > 0) assert.deepEqual(await take(second, from, missed), await take(memory, from, missed));
      await second.close();
    }),
    { numRuns: 25 },
  );
  assert.equal(keyText(key('a')), 'Service/shop/a');
});
