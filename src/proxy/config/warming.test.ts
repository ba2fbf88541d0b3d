import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { applyDelta, EMPTY_SNAPSHOT, resourceKey } from '../../snapshot/apply.ts';
import {
  asCluster,
  asEndpoints,
  asListener,
  asRoutes,
  assignment,
  cluster,
  listener,
  routes,
} from '../../snapshot/sample-resources.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import type { ReceivedResource } from '../../xds/client/received.ts';
import { TYPE_URLS } from '../../xds/resource.ts';
import { warm } from './warming.ts';

const ASSIGNMENT = resourceKey(TYPE_URLS.endpoints, '80|a.shop');
const TABLE = resourceKey(TYPE_URLS.routes, 'outbound');
const IN_NO_ORDER = { isOrdered: false, onDemand: false };
const never = () => false;

function plus(last: Snapshot, ...resources: readonly ReceivedResource[]): Snapshot {
  return resources.reduce((snapshot, resource) => {
    const { next, refused } = applyDelta(
      snapshot,
      { type: resource.type, changed: [resource], removed: [] },
      new Map(),
    );
    assert.deepEqual(refused, []);
    return next;
  }, last);
}

const CLUSTER = asCluster(cluster());
const ENDPOINTS = asEndpoints(assignment(['127.0.0.1']));
const ROUTES = asRoutes(routes());
const LISTENER = asListener(listener());

test('a cluster serves when its assignment has come, not before', () => {
  const first = warm(plus(EMPTY_SNAPSHOT, CLUSTER), EMPTY_SNAPSHOT, never);
  assert.equal(first.active.clusters.size, 0);
  assert.deepEqual([...first.waiting], [ASSIGNMENT]);
  const second = warm(plus(EMPTY_SNAPSHOT, CLUSTER, ENDPOINTS), first.active, never);
  assert.equal(second.active.clusters.size, 1);
  assert.equal(second.waiting.size, 0);
});

test('a listener waits for its routes, and they wait for their clusters', () => {
  const { active, waiting } = warm(plus(EMPTY_SNAPSHOT, CLUSTER, LISTENER), EMPTY_SNAPSHOT, never);
  assert.equal(active.listeners.size, 0);
  assert.deepEqual([...waiting], [ASSIGNMENT, TABLE]);
  const cold = warm(plus(EMPTY_SNAPSHOT, CLUSTER, LISTENER, ROUTES), EMPTY_SNAPSHOT, never);
  assert.equal(cold.active.listeners.size, 0);
  const ready = warm(plus(EMPTY_SNAPSHOT, CLUSTER, LISTENER, ROUTES, ENDPOINTS), EMPTY_SNAPSHOT, never);
  assert.equal(ready.active.listeners.size, 1);
});

test('the last version serves until the new one is ready', () => {
  const before = warm(plus(EMPTY_SNAPSHOT, CLUSTER, ENDPOINTS), EMPTY_SNAPSHOT, never).active;
  const moved = cluster();
  const edsClusterConfig = { edsConfig: moved.edsClusterConfig?.edsConfig, serviceName: 'other' };
  const received = plus(before, asCluster({ ...moved, edsClusterConfig }));
  const cold = warm(received, before, never);
  assert.equal(cold.active.clusters.get(CLUSTER.name), before.clusters.get(CLUSTER.name));
  const late = warm(received, cold.active, () => true);
  assert.equal(late.active.clusters.get(CLUSTER.name)?.edsName, 'other');
});

test('routes to a new cluster do not replace routes to a warm one before it is warm', () => {
  const before = warm(plus(EMPTY_SNAPSHOT, CLUSTER, ENDPOINTS, ROUTES, LISTENER), EMPTY_SNAPSHOT, never).active;
  const canary = cluster({ name: 'canary' });
  const edsClusterConfig = { edsConfig: canary.edsClusterConfig?.edsConfig, serviceName: 'canary' };
  const shifted = asRoutes(routes({ clusterSpecifier: { case: 'cluster', value: 'canary' } }));
  const cold = warm(plus(before, asCluster({ ...canary, edsClusterConfig }), shifted), before, never);
  assert.equal(cold.active.routes.get('outbound'), before.routes.get('outbound'));
});

test('a route to a cluster that nobody sent waits for nothing', () => {
  const { active } = warm(plus(EMPTY_SNAPSHOT, ROUTES, LISTENER), EMPTY_SNAPSHOT, never);
  assert.equal(active.listeners.size, 1);
});

test('what is settled is not waited for', () => {
  const { active, waiting } = warm(plus(EMPTY_SNAPSHOT, CLUSTER, LISTENER), EMPTY_SNAPSHOT, () => true);
  assert.deepEqual([active.clusters.size, active.listeners.size, waiting.size], [1, 1, 0]);
});

test('nothing new is the same snapshot', () => {
  const received = plus(EMPTY_SNAPSHOT, CLUSTER, ENDPOINTS);
  const { active } = warm(received, EMPTY_SNAPSHOT, never);
  assert.equal(warm(received, active, never).active, active);
});

test('whatever the order of arrival, all is active in the end and nothing that serves ever stops', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([CLUSTER, ENDPOINTS, ROUTES, LISTENER], { minLength: 4 }), (order) => {
      let received = EMPTY_SNAPSHOT;
      let active = EMPTY_SNAPSHOT;
      for (const resource of order) {
        received = plus(received, resource);
        const next = warm(received, active, never).active;
        for (const kind of ['listeners', 'clusters', 'routes'] as const) {
          for (const name of active[kind].keys()) assert.ok(next[kind].has(name));
        }
        active = next;
      }
      assert.deepEqual([active.listeners.size, active.clusters.size, active.routes.size], [1, 1, 1]);
    }),
  );
});

test('without an order, a route waits for the cluster that it names, as long as it need', () => {
  const routed = plus(EMPTY_SNAPSHOT, ROUTES);
  assert.equal(warm(routed, EMPTY_SNAPSHOT, never).active.routes.size, 1);
  const { active, waiting } = warm(routed, EMPTY_SNAPSHOT, never, IN_NO_ORDER);
  assert.equal(active.routes.size, 0);
  assert.deepEqual([...waiting], [resourceKey(TYPE_URLS.cluster, CLUSTER.name)]);
  assert.equal(warm(routed, EMPTY_SNAPSHOT, () => true, IN_NO_ORDER).active.routes.size, 1);
  assert.equal(warm(plus(routed, CLUSTER, ENDPOINTS), EMPTY_SNAPSHOT, never, IN_NO_ORDER).active.routes.size, 1);
});

test('without an order, a cluster that is gone serves as long as a route leads to it', () => {
  const whole = plus(EMPTY_SNAPSHOT, CLUSTER, ENDPOINTS, ROUTES);
  const gone = applyDelta(whole, { type: TYPE_URLS.cluster, changed: [], removed: [CLUSTER.name] }, new Map()).next;
  const kept = warm(gone, whole, never, IN_NO_ORDER).active;
  assert.equal(kept.clusters.size, 1);
  assert.equal(warm(gone, whole, () => true, IN_NO_ORDER).active.clusters.size, 0);
  const unrouted = { ...gone, routes: new Map() };
  const later = warm(unrouted, kept, never, IN_NO_ORDER).active;
  assert.equal(warm(unrouted, later, never, IN_NO_ORDER).active.clusters.size, 0);
});
