/** What a change costs follows from what it concerns: not from how many services, routes and proxies there are besides. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Resource } from '../../api/resource.ts';

import { TYPE_URLS, type XdsResource, type XdsView } from '../../xds/resource.ts';
import type { MeshIndex } from '../index/mesh-index.ts';
import { changes, indexed } from './golden.fixture.ts';
import { ownResources, type ProxyKey } from './own-resources.ts';
import { proxyView } from './proxy-view.ts';

const NAMESPACE = 'shop';
/** The proxies of the first services call `svc-0` and two others. */
const USERS = 4;

let revision = 1_000;
function stored(resource: Omit<Resource, 'metadata'> & { metadata: Partial<Resource['metadata']> }): Resource {
  revision += 1;
  const { name = '' } = resource.metadata;
  const metadata = { ...resource.metadata, name, namespace: NAMESPACE, uid: name, resourceVersion: String(revision) };
  return { ...resource, metadata };
}

function workload(service: number, address: string): Resource {
  const app = `svc-${service}`;
  const uses = service < USERS ? ['svc-0', 'svc-1', `svc-${service}`] : [`svc-${service}`];
  const vips = uses.map((name, i) => ({
    ...{ service: name, namespace: NAMESPACE, port: 80 },
    ...{ address: `127.1.${service % 250}.${i + 1}`, vipPort: 20_001 + i },
  }));
  const ports = [{ name: 'main', port: 8080, proxyPort: 15_006, protocol: 'http' }];
  const capture = { httpProxyPort: 15_001, vips };
  const spec = { service: app, account: app, address, ports, capture, uses: [...new Set(uses)] };
  return stored({
    apiVersion: 'weft.mesh/v1',
    kind: 'Workload',
    metadata: { name: `${app}-1`, labels: { app } },
    spec,
  });
}

function service(number: number): Resource {
  const name = `svc-${number}`;
  const ports = [{ name: 'main', port: 80, targetPort: 'main', appProtocol: 'http' }];
  return stored({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { selector: { app: name }, ports } });
}

function mesh(services: number): { index: MeshIndex; read: () => XdsView[] } {
  const numbers = Array.from({ length: services }, (_, i) => i);
  const index = indexed(numbers.flatMap((n) => [service(n), workload(n, '10.0.0.1')]));
  const keys = numbers.map((n): ProxyKey => ({ namespace: NAMESPACE, workload: `svc-${n}-1` }));
  const read = () => keys.map((key) => index.read(proxyView, key));
  read();
  return { index, read };
}

function costOf(services: number, change: Resource): { derived: number; stale: number } {
  const { index, read } = mesh(services);
  const before = index.derived;
  const stale = index.apply({ cursor: '', replace: false, changes: changes([change]) }).size;
  read();
  return { derived: index.derived - before, stale };
}

test('an endpoint costs the same in a mesh of ten times as many services and proxies', () => {
  const change = workload(0, '10.9.9.9');
  const small = costOf(20, change);
  assert.deepEqual(costOf(200, change), small);
  assert.ok(small.derived < 10 + 3 * USERS, JSON.stringify(small));
});

test('so do a route and a policy', () => {
  for (const number of [0, 1]) {
    const name = `svc-${number}`;
    const parentRefs = [{ group: '', kind: 'Service', name }];
    const rules = [{ backendRefs: [{ name, port: 80, weight: 3 }] }];
    const apiVersion = 'gateway.networking.k8s.io/v1';
    const route = stored({ apiVersion, kind: 'HTTPRoute', metadata: { name }, spec: { parentRefs, rules } });
    const retry = { targetRefs: parentRefs, retry: { attempts: 3 } };
    const metadata = { name: `traffic-${number}` };
    const policy = stored({ apiVersion: 'weft.mesh/v1', kind: 'BackendTrafficPolicy', metadata, spec: retry });
    for (const change of [route, policy]) {
      const small = costOf(20, change);
      assert.ok(small.derived > 3, JSON.stringify(small));
      assert.deepEqual(costOf(200, change), small, change.kind);
    }
  }
});

test('what stayed equal stays the same object, and what proxies share is one', () => {
  const { index, read } = mesh(8);
  const before = read();
  index.apply({ cursor: '', replace: false, changes: changes([workload(0, '10.9.9.9')]) });
  const after = read();
  assert.notEqual(after[1]?.get(TYPE_URLS.endpoints), before[1]?.get(TYPE_URLS.endpoints));
  for (const type of [TYPE_URLS.cluster, TYPE_URLS.listener, TYPE_URLS.routes]) {
    assert.equal(after[1]?.get(type), before[1]?.get(type));
  }
  assert.equal(after[7], before[7], 'a proxy that does not use it keeps its whole view');
  assert.equal(
    after[2]?.get(TYPE_URLS.endpoints)?.get('80|svc-0.shop'),
    after[3]?.get(TYPE_URLS.endpoints)?.get('80|svc-0.shop'),
  );
});

test('a workload that changes keeps the listeners for what it calls', () => {
  const { index, read } = mesh(20);
  const own = (): XdsResource[] => {
    const view = index.read(ownResources, { namespace: NAMESPACE, workload: 'svc-0-1' });
    return [...(view.get(TYPE_URLS.listener)?.values() ?? [])].filter(({ name }) => name.startsWith('outbound|80|'));
  };
  const before = own();
  assert.ok(before.length > 1);
  index.apply({ cursor: '', replace: false, changes: changes([workload(0, '10.9.9.9')]) });
  read();
  const after = own();
  assert.equal(after.length, before.length);
  for (const [i, listener] of after.entries()) assert.equal(listener, before[i]);
});
