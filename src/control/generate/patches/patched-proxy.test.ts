/** How patches lie over views: whole or not at all, in order, shared between proxies, and free where there are none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change } from '../../../api/source.ts';
import { keyOf, type Resource } from '../../../api/resource.ts';
import { TYPE_URLS, type XdsView } from '../../../xds/resource.ts';
import { MeshIndex } from '../../index/mesh-index.ts';
import { ROOTS } from '../golden.fixture.ts';
import { patchedProxy, proxyView } from '../proxy-view.ts';

function object(kind: string, name: string, spec: object, revision = '1'): Resource {
  const metadata = {
    name,
    namespace: 'shop',
    uid: `${kind}-${name}`,
    resourceVersion: revision,
    labels: { app: name },
  };
  return { apiVersion: 'weft.mesh/v1', kind, metadata, spec };
}

const SERVICE = object('Service', 'catalog', {
  selector: { app: 'catalog' },
  ports: [{ name: 'main', port: 80, appProtocol: 'http' }],
});
const workload = (name: string, spec: object = {}) =>
  object('Workload', name, {
    service: 'web',
    account: 'web',
    address: '10.0.0.1',
    ports: [{ port: 8080, proxyPort: 15001 }],
    uses: ['catalog'],
    adminPort: 15099,
    ...spec,
  });
const CLUSTER = 'http|80|catalog.shop';
const merge = (name: string, value: object, proxies = {}) =>
  object('XdsPatch', name, {
    proxies,
    patches: [{ on: 'Cluster', match: { name: CLUSTER }, operation: 'merge', value }],
  });

function mesh(...resources: readonly Resource[]): MeshIndex {
  const index = new MeshIndex();
  put(index, ROOTS, SERVICE, ...resources);
  return index;
}

function put(index: MeshIndex, ...resources: readonly Resource[]): void {
  const changes: Change[] = resources.map((value) => ({ key: keyOf(value), value }));
  index.apply({ cursor: '', replace: false, changes });
}

const view = (index: MeshIndex, name: string): XdsView => index.read(proxyView, { namespace: 'shop', workload: name });
const cluster = (index: MeshIndex, name: string) => view(index, name).get(TYPE_URLS.cluster)?.get(CLUSTER);
const problems = (index: MeshIndex, name: string) =>
  index.read(patchedProxy, { namespace: 'shop', workload: name }).outcomes.map(({ problem }) => problem);

test('a proxy that no patch selects has the very view that is generated for it', () => {
  const index = mesh(workload('web-1'), merge('other', { connectTimeout: '1s' }, { matchLabels: { app: 'x' } }));
  const plain = mesh(workload('web-1'));
  for (const [type, named] of view(plain, 'web-1')) {
    const versions = [...named.values()].map(({ version }) => version);
    assert.deepEqual(
      [...(view(index, 'web-1').get(type)?.values() ?? [])].map(({ version }) => version),
      versions,
    );
  }
});

test('proxies share what is patched, with its origin, and only what is patched differs', () => {
  const index = mesh(workload('web-1'), workload('web-2'), merge('p', { connectTimeout: '1s' }));
  const patched = cluster(index, 'web-1');
  assert.equal(patched, cluster(index, 'web-2'), 'one object for both');
  assert.deepEqual(patched?.origins.at(-1), {
    kind: 'XdsPatch',
    namespace: 'shop',
    name: 'p',
    path: 'spec.patches[0]',
    file: '',
  });
  const before = mesh(workload('web-1'));
  const changed = [...view(before, 'web-1')].flatMap(([type, named]) =>
    [...named.values()].filter(({ name, version }) => view(index, 'web-1').get(type)?.get(name)?.version !== version),
  );
  assert.deepEqual(
    changed.map(({ name }) => name),
    [CLUSTER],
  );
});

test('what did not change stays the same object, and a patch that is gone leaves what was generated', () => {
  const patch = merge('p', { connectTimeout: '1s' });
  const index = mesh(workload('web-1'));
  const generated = cluster(index, 'web-1');
  put(index, patch);
  const [first, listeners] = [cluster(index, 'web-1'), view(index, 'web-1').get(TYPE_URLS.listener)];
  assert.notEqual(first?.version, generated?.version);
  put(index, { ...patch, metadata: { ...patch.metadata, generation: 1, resourceVersion: '2' }, status: { x: 1 } });
  const again = cluster(index, 'web-1');
  assert.equal(again?.version, first?.version);
  assert.equal(view(index, 'web-1').get(TYPE_URLS.listener), listeners);
  index.apply({ cursor: '', replace: false, changes: [{ key: keyOf(patch), value: null }] });
  assert.equal(cluster(index, 'web-1'), generated);
});

test('a proxy has all of a patch or nothing, and the others have theirs', () => {
  const bad = object('XdsPatch', 'a-bad', {
    patches: [
      { on: 'Cluster', match: { name: CLUSTER }, operation: 'merge', value: { connectTimeout: '9s' } },
      {
        on: 'FilterChain',
        match: { direction: 'inbound' },
        operation: 'merge',
        value: { transportSocket: { name: 'raw' } },
      },
    ],
  });
  const index = mesh(workload('web-1'), bad, merge('good', { altStatName: 'x' }));
  const only = mesh(workload('web-1'), merge('good', { altStatName: 'x' }));
  assert.equal(cluster(index, 'web-1')?.version, cluster(only, 'web-1')?.version);
  assert.match(
    problems(index, 'web-1')[0] ?? '',
    /^Listener inbound\|8080: spec\.patches\[1\]: filter chain .*transportSocket/,
  );
  assert.equal(problems(index, 'web-1')[1], '');
});

test('the last of two that set one field, by name, is what holds', () => {
  const index = mesh(workload('web-1'), merge('b', { connectTimeout: '2s' }), merge('a', { connectTimeout: '1s' }));
  const last = mesh(workload('web-1'), merge('a', { connectTimeout: '1s' }), merge('b', { connectTimeout: '2s' }));
  assert.equal(cluster(index, 'web-1')?.version, cluster(last, 'web-1')?.version);
  assert.deepEqual(
    cluster(index, 'web-1')
      ?.origins.slice(-2)
      .map(({ name }) => name),
    ['a', 'b'],
  );
});

test('an added listener and cluster are held against the workload that they are for', () => {
  const added = (on: string, value: object) => object('XdsPatch', 'p', { patches: [{ on, operation: 'add', value }] });
  const listener = (portValue: number) =>
    added('Listener', {
      name: 'extra',
      address: { socketAddress: { address: '127.0.0.1', portValue } },
      filterChains: [{}],
    });
  for (const port of [15001, 15099, 8080]) {
    assert.match(
      problems(mesh(workload('web-1'), listener(port)), 'web-1')[0] ?? '',
      /belongs to the workload or its agent/,
    );
  }
  const endpoint = { endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue: 15099 } } } };
  const loadAssignment = { clusterName: 'x', endpoints: [{ lbEndpoints: [endpoint] }] };
  const cluster = added('Cluster', { name: 'x', type: 'STATIC', loadAssignment });
  assert.match(problems(mesh(workload('web-1'), cluster), 'web-1')[0] ?? '', /admin endpoint of the proxy/);
});
