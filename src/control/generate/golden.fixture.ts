/** Resources of a golden's input into an index, and what proxies get of it as JSON of the very bytes that go over the wire. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type DescMessage, fromBinary, toJson } from '@bufbuild/protobuf';
import { parseAllDocuments } from 'yaml';
import type { Change } from '../../api/source.ts';
import { keyOf, type Resource } from '../../api/resource.ts';
import type { Workload } from '../../api/kinds/workload.ts';
import { ClusterSchema } from '../../protos/gen/envoy/config/cluster/v3/cluster_pb.ts';
import { ClusterLoadAssignmentSchema } from '../../protos/gen/envoy/config/endpoint/v3/endpoint_pb.ts';
import { ListenerSchema } from '../../protos/gen/envoy/config/listener/v3/listener_pb.ts';
import { VirtualHostSchema } from '../../protos/gen/envoy/config/route/v3/route_components_pb.ts';
import { RouteConfigurationSchema } from '../../protos/gen/envoy/config/route/v3/route_pb.ts';
import { SecretSchema } from '../../protos/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts';
import { envoyTypes } from '../../protos/registry.ts';
import { shortTypeName, TYPE_URLS, type TypeUrl, type XdsResource, type XdsView } from '../../xds/resource.ts';
import { MeshIndex } from '../index/mesh-index.ts';
import { trustBundleResource } from './mesh-settings.ts';
import { proxyView } from './proxy-view.ts';

const SCHEMAS: Readonly<Record<string, DescMessage>> = {
  [TYPE_URLS.cluster]: ClusterSchema,
  [TYPE_URLS.endpoints]: ClusterLoadAssignmentSchema,
  [TYPE_URLS.listener]: ListenerSchema,
  [TYPE_URLS.routes]: RouteConfigurationSchema,
  [TYPE_URLS.secret]: SecretSchema,
  [TYPE_URLS.virtualHosts]: VirtualHostSchema,
};

export const ROOTS = trustBundleResource({ trustDomain: 'weft.local', pem: 'ROOTS' }, '1');

export function load(file: string): Resource[] {
  const documents = parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS() as Resource);
  return documents.map((resource, i) => {
    const creationTimestamp = `2026-01-01T00:00:0${i % 10}Z`;
    return {
      ...resource,
      metadata: { ...resource.metadata, uid: `u${i}`, resourceVersion: String(i + 1), creationTimestamp },
    };
  });
}

export function changes(resources: readonly Resource[]): Change[] {
  return resources.map((value) => ({ key: keyOf(value), value }));
}

export function indexed(resources: readonly Resource[]): MeshIndex {
  const index = new MeshIndex();
  index.apply({ cursor: '', replace: true, changes: changes([ROOTS, ...resources]) });
  return index;
}

export function json(view: XdsView): unknown {
  const out: Record<string, Record<string, unknown>> = {};
  for (const type of view.keys()) assert.ok(SCHEMAS[type], type);
  for (const [type, schema] of Object.entries(SCHEMAS)) {
    // Of proxies that ask alone.
    if (type === TYPE_URLS.virtualHosts && !view.has(type)) continue;
    const resources = view.get(type as TypeUrl) ?? new Map<string, XdsResource>();
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

export function viewsOf(index: MeshIndex, resources: readonly Resource[]): Record<string, XdsView> {
  const workloads = resources.filter((resource) => resource.kind === 'Workload') as Workload[];
  return Object.fromEntries(
    workloads.map(({ metadata }) => {
      const key = { namespace: metadata.namespace ?? '', workload: metadata.name };
      return [`${key.namespace}/${key.workload}`, index.read(proxyView, key)];
    }),
  );
}
