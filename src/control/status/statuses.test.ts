/** What the status of a route or a policy says, and that it is written when it changed and at no other time. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { httpRouteKind } from '../../api/kinds/http-route.ts';
import type { RouteStatus } from '../../api/kinds/route.ts';
import type { Change } from '../../api/source.ts';
import { keyOf, type Resource } from '../../api/resource.ts';
import type { BackendTrafficPolicy } from '../../policies/backend-traffic/kind.ts';
import { RecordingLog } from '../../core/log.ts';
import type { Clock } from '../../core/runtime.ts';
import { MeshIndex } from '../index/mesh-index.ts';
import { follow } from '../sources/follow.ts';
import { updateStatus } from '../sources/store-writer.ts';
import { createLogStore } from '../store/log-store.ts';
import { noPersistence } from '../store/persistence.ts';
import type { Store } from '../store/store.ts';
import { CONTROLLER_NAME, Statuses } from './statuses.ts';

const START_MS = Date.parse('2026-01-01T00:00:00Z');

describe('the status', () => {
  let store: Store;
  let index: MeshIndex;
  let statuses: Statuses;
  let stop: AbortController;
  let following: Promise<void>;
  let wallMs: number;
  const log = new RecordingLog();

  beforeEach(async () => {
    wallMs = START_MS;
    store = createLogStore(noPersistence, { maxCommits: 200, maxBytes: 10_000_000 });
    const clock: Clock = { now: () => 0, wall: () => wallMs, wake: () => () => {} };
    index = new MeshIndex();
    const update = (...[kind, key, next]: Parameters<ConstructorParameters<typeof Statuses>[1]['update']>) =>
      updateStatus(store, clock, kind, key, next);
    statuses = new Statuses(index, { update }, clock, log);
    stop = new AbortController();
    const apply = (batch: Parameters<Statuses['observe']>[0]) => statuses.observe(batch, index.apply(batch));
    await put(namespace('shop'), namespace('other'), namespace('third'));
    following = follow(store, apply, stop.signal, log);
  });

  afterEach(async () => {
    stop.abort();
    await following;
    await statuses.close();
    assert.deepEqual(
      log.lines.filter(({ level }) => level === 'error'),
      [],
    );
    await store.close();
  });

  const put = (...objects: readonly Resource[]): Promise<string> =>
    store.commit(
      objects.map((value): Change => ({ key: keyOf(value), value })),
      [],
    );

  async function read(name = 'canary', group = 'shop'): Promise<Resource<unknown, RouteStatus>> {
    // Everything here is in memory: what has not been written by then never is.
    for (let last = '', quiet = 0; quiet < 5; quiet++) {
      await sleep(20);
      const { cursor } = await store.list('HTTPRoute');
      if (cursor !== last) quiet = 0;
      last = cursor;
    }
    const found = await store.get({ kind: httpRouteKind.kind, namespace: group, name });
    assert.ok(found !== null);
    return found as Resource<unknown, RouteStatus>;
  }

  const conditions = (found: Resource<unknown, RouteStatus>, parent = 0) =>
    Object.fromEntries((found.status?.parents?.[parent]?.conditions ?? []).map((each) => [each.type, each]));

  test('says that it is accepted and its backends are found, of which generation, and who says so', async () => {
    await put(service('catalog'), service('catalog-v1'), route(1, [{ name: 'catalog-v1', port: 80 }]));
    const found = await read();
    const [parent] = found.status?.parents ?? [];
    assert.equal(parent?.controllerName, CONTROLLER_NAME);
    assert.deepEqual(parent.parentRef, PARENT);
    const lastTransitionTime = '2026-01-01T00:00:00Z';
    const about = { status: 'True', message: '', observedGeneration: 1, lastTransitionTime };
    assert.deepEqual(parent.conditions, [
      { type: 'Accepted', reason: 'Accepted', ...about },
      { type: 'ResolvedRefs', reason: 'ResolvedRefs', ...about },
    ]);
  });

  test('a change looks at the reports that it may have changed, however many there are', async (t) => {
    const of = (name: string) => {
      const one = route(1, [{ name, port: 80 }], [{ ...PARENT, name }]);
      return [service(name), { ...one, metadata: { ...one.metadata, name, uid: name } }];
    };
    await put(...['a', 'b', 'c', 'd', 'e', 'f'].flatMap(of));
    await read('a');
    const reads = t.mock.method(index, 'read');
    await put(service('unrelated'));
    await read('a');
    assert.equal(reads.mock.callCount(), 0);
    await put(service('b', 'shop', 81));
    assert.equal(conditions(await read('b'))['ResolvedRefs']?.status, 'False');
    const looked = new Set(reads.mock.calls.map(({ arguments: [, key] }) => (key as { name: string }).name));
    assert.deepEqual([...looked], ['b']);
  });

  test('names every backend that is missing, until it is there', async () => {
    await put(
      service('catalog'),
      service('catalog-v1'),
      route(1, [
        { name: 'catalog-v1', port: 81 },
        { name: 'catalog-v9', port: 80, weight: 0 },
      ]),
    );
    const { Accepted, ResolvedRefs } = conditions(await read());
    assert.equal(Accepted?.status, 'True');
    assert.equal(ResolvedRefs?.status, 'False');
    assert.equal(ResolvedRefs.reason, 'BackendNotFound');
    assert.equal(
      ResolvedRefs.message,
      'spec.rules[0].backendRefs[0]: Service shop/catalog-v1 has no TCP port 81; ' +
        'spec.rules[0].backendRefs[1]: Service shop/catalog-v9 does not exist',
    );
    wallMs += 60_000;
    await put(service('catalog-v1', 'shop', 81), service('catalog-v9'));
    const after = conditions(await read());
    assert.equal(after['ResolvedRefs']?.status, 'True');
    assert.equal(after['ResolvedRefs'].lastTransitionTime, '2026-01-01T00:01:00Z');
    assert.equal(after['Accepted']?.lastTransitionTime, '2026-01-01T00:00:00Z');
  });

  test('refuses a backend of a namespace that is neither the route’s nor the parent’s', async () => {
    const backend = { name: 'stock', namespace: 'other', port: 80 };
    await put(service('catalog'), service('stock', 'other'), route(1, [backend]));
    const { ResolvedRefs } = conditions(await read());
    assert.equal(ResolvedRefs?.status, 'False');
    assert.equal(ResolvedRefs.reason, 'RefNotPermitted');
  });

  test('tells parents apart: one that does not exist, and one without that port', async () => {
    const parents = [PARENT, { ...PARENT, name: 'nobody' }, { ...PARENT, port: 81 }];
    await put(service('catalog'), route(1, [{ name: 'catalog', port: 80 }], parents));
    const found = await read();
    const accepted = [0, 1, 2].map((parent) => conditions(found, parent)['Accepted']);
    assert.deepEqual(
      accepted.map((each) => each?.reason),
      ['Accepted', 'NoMatchingParent', 'NoMatchingParent'],
    );
    assert.match(accepted[1]?.message ?? '', /nobody does not exist/);
  });

  test('is written only when it changes, and leaves what other controllers wrote', async () => {
    const theirs = { parentRef: { name: 'gateway' }, controllerName: 'example.com/gateway', conditions: [] };
    const first = route(1, [{ name: 'catalog', port: 80 }]);
    await put(service('catalog'), { ...first, status: { parents: [theirs] } });
    const before = await read();
    assert.deepEqual(before.status?.parents?.[0], theirs);
    assert.equal(before.status.parents.length, 2);
    await put(service('stock'), service('catalog'));
    assert.equal((await read()).metadata.resourceVersion, before.metadata.resourceVersion);
    await put({ ...before, metadata: { ...before.metadata, generation: 2 } });
    const after = await read();
    assert.equal(conditions(after, 1)['Accepted']?.observedGeneration, 2);
    assert.equal(after.status?.parents?.length, 2);
  });

  describe('of a policy', () => {
    async function conditionsOf(name: string, ancestor = 0): Promise<Record<string, string>> {
      await read('canary').catch(() => null);
      const found = await store.get({ kind: 'BackendTrafficPolicy', namespace: 'shop', name });
      const status = (found as BackendTrafficPolicy | null)?.status;
      const conditions = status?.ancestors?.[ancestor]?.conditions ?? [];
      return Object.fromEntries(
        conditions.map((each) => [each.type, [each.status, each.reason, each.message].join(' ').trim()]),
      );
    }

    test('says of each target whether it is there', async () => {
      const targets = [
        { group: '', kind: 'Service', name: 'catalog' },
        { group: '', kind: 'Service', name: 'catalog', sectionName: '80' },
        { group: '', kind: 'Service', name: 'catalog', sectionName: 'grpc' },
        { group: '', kind: 'Service', name: 'nobody' },
        { group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', name: 'canary', sectionName: 'search' },
      ];
      await put(service('catalog'), route(1, []), policy('p', targets, { retry: {} }));
      const accepted: (string | undefined)[] = [];
      for (const i of targets.keys()) accepted.push((await conditionsOf('p', i))['Accepted']);
      assert.deepEqual(accepted, [
        'True Accepted',
        'True Accepted',
        'False TargetNotFound Service shop/catalog has no port grpc',
        'False TargetNotFound Service shop/nobody does not exist',
        'False TargetNotFound HTTPRoute shop/canary has no rule named search',
      ]);
    });

    test('is written anew when a workload comes that does not enforce it, and not when one becomes ready', async () => {
      const targets = [{ group: '', kind: 'Service', name: 'catalog' }];
      await put(service('catalog'), policy('p', targets, { hedge: { after: '1s' } }));
      assert.equal((await conditionsOf('p'))['Enforced'], 'True Enforced');
      const workload = {
        apiVersion: 'weft.mesh/v1',
        kind: 'Workload',
        metadata: { name: 'web-1', namespace: 'shop' },
        spec: { service: 'web', account: 'web', address: '10.0.0.1', ports: [], proxy: 'grpc' },
      };
      await put(workload);
      assert.equal(
        (await conditionsOf('p'))['Enforced'],
        'False NotEnforced workload shop/web-1 (grpc) does not: hedge',
      );
      await put({ ...workload, spec: { ...workload.spec, proxy: 'weft' } });
      assert.equal((await conditionsOf('p'))['Enforced'], 'True Enforced');
    });

    test('names the sections that an older policy of the same target has taken, until it is gone', async () => {
      const byNumber = [{ group: '', kind: 'Service', name: 'catalog', sectionName: '80' }];
      const older = policy('older', byNumber, { retry: {} }, '2025-01-01T00:00:00Z');
      const named = {
        ...service('catalog'),
        spec: { selector: { app: 'catalog' }, ports: [{ name: 'web', port: 80 }] },
      };
      const byName = [{ ...byNumber[0], sectionName: 'web' }];
      await put(
        named,
        older,
        policy('part', byName, { retry: {}, timeouts: {} }),
        policy('all', byName, { retry: {} }),
      );
      const message = 'retry is that of older, which is older';
      const enforced = { Enforced: 'True Enforced' };
      const well = { Accepted: 'True Accepted', Conflicted: 'False NoConflict', ...enforced };
      assert.deepEqual(await conditionsOf('older'), well);
      assert.deepEqual(await conditionsOf('part'), {
        Accepted: 'True Accepted',
        Conflicted: `True Conflicted ${message}`,
        ...enforced,
      });
      assert.deepEqual(await conditionsOf('all'), {
        Accepted: 'False Conflicted nothing of it holds here: see Conflicted',
        Conflicted: `True Conflicted ${message}`,
        ...enforced,
      });
      await store.commit([{ key: keyOf(older), value: null }], []);
      assert.deepEqual(await conditionsOf('all'), well);
    });
  });
});

const PARENT = { group: '', kind: 'Service', name: 'catalog' };

function namespace(name: string): Resource {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
}

function service(name: string, group = 'shop', port = 80): Resource {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: group },
    spec: { selector: { app: name }, ports: [{ port }] },
  };
}

function route(
  generation: number,
  backendRefs: readonly unknown[],
  parentRefs: readonly unknown[] = [PARENT],
): Resource {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: 'canary', namespace: 'shop', uid: 'canary', generation },
    spec: { parentRefs, rules: [{ backendRefs }] },
  };
}

function policy(
  name: string,
  targetRefs: readonly object[],
  sections: object,
  creationTimestamp = '2026-01-01T00:00:00Z',
): Resource {
  return {
    apiVersion: 'weft.mesh/v1',
    kind: 'BackendTrafficPolicy',
    metadata: { name, namespace: 'shop', uid: name, generation: 1, creationTimestamp },
    spec: { targetRefs, ...sections },
  };
}
