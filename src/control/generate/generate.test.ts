/**
 * What proxies get, as goldens: one input and one expected output a case. `WEFT_UPDATE_GOLDENS=1` writes them anew.
 * Goldens are the JSON of the very bytes that go over the wire.
 */
import assert from 'node:assert/strict';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { type DescMessage, fromBinary, toJson } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { parseAllDocuments } from 'yaml';
import type { Change } from '../../api/source.ts';
import { keyOf, type Resource } from '../../api/resource.ts';
import { readResource } from '../../api/validate.ts';
import { meshKinds } from '../../policies/kinds.ts';
import type { Workload } from '../../api/kinds/workload.ts';
import { ClusterSchema } from '../../protos/gen/envoy/config/cluster/v3/cluster_pb.ts';
import { ClusterLoadAssignmentSchema } from '../../protos/gen/envoy/config/endpoint/v3/endpoint_pb.ts';
import { ListenerSchema } from '../../protos/gen/envoy/config/listener/v3/listener_pb.ts';
import { RouteConfigurationSchema } from '../../protos/gen/envoy/config/route/v3/route_pb.ts';
import { SecretSchema } from '../../protos/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts';
import { envoyTypes } from '../../protos/registry.ts';
import { shortTypeName, TYPE_URLS, type XdsView } from '../../xds/resource.ts';
import { MeshIndex } from '../index/mesh-index.ts';
import { trustBundleResource } from './mesh-settings.ts';
import { proxyView } from './proxy-view.ts';

const goldens = join(import.meta.dirname, 'goldens');
const update = process.env['WEFT_UPDATE_GOLDENS'] === '1';

const SCHEMAS: Readonly<Record<string, DescMessage>> = {
  [TYPE_URLS.cluster]: ClusterSchema,
  [TYPE_URLS.endpoints]: ClusterLoadAssignmentSchema,
  [TYPE_URLS.listener]: ListenerSchema,
  [TYPE_URLS.routes]: RouteConfigurationSchema,
  [TYPE_URLS.secret]: SecretSchema,
};

const ROOTS = trustBundleResource({ trustDomain: 'weft.local', pem: 'ROOTS' }, '1');

function load(file: string): Resource[] {
  const documents = parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS() as Resource);
  return documents.map((resource, i) => {
    const creationTimestamp = `2026-01-01T00:00:0${i % 10}Z`;
    return {
      ...resource,
      metadata: { ...resource.metadata, uid: `u${i}`, resourceVersion: String(i + 1), creationTimestamp },
    };
  });
}

function changes(resources: readonly Resource[]): Change[] {
  return resources.map((value) => ({ key: keyOf(value), value }));
}

function indexed(resources: readonly Resource[]): MeshIndex {
  const index = new MeshIndex();
  index.apply({ cursor: '', replace: true, changes: changes([ROOTS, ...resources]) });
  return index;
}

function json(view: XdsView): unknown {
  const out: Record<string, Record<string, unknown>> = {};
  for (const [type, resources] of view) {
    const schema = SCHEMAS[type];
    assert.ok(schema);
    const entries = [...resources].toSorted(([a], [b]) => (a < b ? -1 : 1));
    out[shortTypeName(type)] = Object.fromEntries(
      entries.map(([name, resource]) => [
        name,
        toJson(schema, fromBinary(schema, resource.bytes), { registry: envoyTypes }),
      ]),
    );
  }
  return out;
}

function viewsOf(index: MeshIndex, resources: readonly Resource[]): Record<string, XdsView> {
  const workloads = resources.filter((resource) => resource.kind === 'Workload') as Workload[];
  return Object.fromEntries(
    workloads.map(({ metadata }) => {
      const key = { namespace: metadata.namespace ?? '', workload: metadata.name };
      return [`${key.namespace}/${key.workload}`, index.read(proxyView, key)];
    }),
  );
}

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
      for (const node of Object.keys(b)) assert.deepEqual(a[node], b[node], node);
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
