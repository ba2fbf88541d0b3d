/** A policy about security is never walked around past the sidecar: what has none is no endpoint while the policy is there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import { keyOf, type Resource } from '../../api/resource.ts';
import { ClusterLoadAssignmentSchema } from '../../protos/gen/envoy/config/endpoint/v3/endpoint_pb.ts';
import { MeshIndex } from '../index/mesh-index.ts';
import { endpoints } from './endpoints.ts';

function object(
  apiVersion: string,
  kind: string,
  name: string,
  spec: object,
  labels: Record<string, string> = {},
): Resource {
  return {
    apiVersion,
    kind,
    metadata: { name, namespace: 'shop', uid: `${kind}-${name}`, resourceVersion: '1', labels },
    spec,
  };
}

function workload(name: string, address: string, spec: object): Resource {
  const common = { service: 'cart', account: 'cart', address };
  return object('weft.mesh/v1', 'Workload', name, { ...common, ...spec }, { app: 'cart' });
}

const MESH = [
  object('v1', 'Service', 'cart', { selector: { app: 'cart' }, ports: [{ port: 80 }] }),
  workload('guarded', '10.0.0.1', { ports: [{ port: 80, proxyPort: 15_080 }] }),
  workload('bare', '10.0.0.2', { ports: [{ port: 80 }] }),
  workload('none', '10.0.0.3', { ports: [{ port: 80, proxyPort: 15_080 }], proxy: 'none' }),
];

function addresses(...policies: readonly Resource[]): string[] {
  const index = new MeshIndex();
  const changes = [...MESH, ...policies].map((value) => ({ key: keyOf(value), value }));
  index.apply({ cursor: '', replace: true, changes });
  const found = index.read(endpoints, { namespace: 'shop', service: 'cart', port: 80, caller: null });
  const { endpoints: localities } = fromBinary(ClusterLoadAssignmentSchema, found?.bytes ?? new Uint8Array());
  const all = localities.flatMap(({ lbEndpoints }) =>
    lbEndpoints.flatMap(({ hostIdentifier: host }) => {
      const address = host.case === 'endpoint' ? host.value.address?.address : undefined;
      return address?.case === 'socketAddress' ? [address.value.address] : [];
    }),
  );
  return all.toSorted();
}

const policy = (action: string) => object('weft.mesh/v1', 'AuthorizationPolicy', 'p', { action, rules: [{}] });

test('callers are kept from a port with nothing before it, while a policy that denies or allows is for it', () => {
  const all = ['10.0.0.1', '10.0.0.2', '10.0.0.3'];
  assert.deepEqual(addresses(), all);
  assert.deepEqual(addresses(policy('AUDIT')), all);
  assert.deepEqual(addresses(policy('DENY')), ['10.0.0.1']);
  assert.deepEqual(addresses(policy('ALLOW')), ['10.0.0.1']);
  const elsewhere = { ...policy('DENY'), metadata: { ...policy('DENY').metadata, namespace: 'lab' } };
  assert.deepEqual(addresses(elsewhere), all);
});
