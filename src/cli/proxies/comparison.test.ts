import assert from 'node:assert/strict';
import test from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { ClusterSchema } from '../../protos/gen/envoy/config/cluster/v3/cluster_pb.ts';
import { ClusterLoadAssignmentSchema } from '../../protos/gen/envoy/config/endpoint/v3/endpoint_pb.ts';
import { ListenerSchema } from '../../protos/gen/envoy/config/listener/v3/listener_pb.ts';
import { HealthStatus } from '../../protos/gen/envoy/config/core/v3/health_check_pb.ts';
import { compareAll } from './comparison.ts';
import type { HeldResource } from './held-resource.ts';
import { heldByAcknowledgement } from './held-acknowledged.ts';
import type { OfferedResource } from './offered.ts';

const cluster = (name: string, altStatName = '') => create(ClusterSchema, { name, altStatName });

function offer(name: string, version: string | null, more: Partial<OfferedResource> = {}): OfferedResource {
  const bytes = version === null ? null : toBinary(ClusterSchema, cluster(name, version));
  const about = { section: 'clusters', origins: [], wanted: true, acknowledged: null, refused: null } as const;
  return { ...about, name, version, bytes, ...more };
}

function hold(name: string, version: string, more: Partial<HeldResource> = {}): HeldResource {
  const about = { section: 'clusters', state: 'active', problem: '', isLocal: false } as const;
  return { ...about, name, version, message: cluster(name, version), ...more };
}

const compare = (offered: OfferedResource[], held: HeldResource[]) =>
  compareAll({ connected: true, resources: offered }, { kind: 'envoy', source: '', isOwnWord: true, resources: held });

test('same, changed, missing, extra; what is not asked for or not the control plane’s is left out', () => {
  const compared = compare(
    [offer('a', '1'), offer('b', '2'), offer('c', '1'), offer('unasked', '1', { wanted: false })],
    [hold('a', '1'), hold('b', '1'), hold('d', '1'), hold('static', '', { isLocal: true })],
  );
  assert.deepEqual(
    compared.map(({ name, state }) => [name, state]),
    [
      ['a', 'same'],
      ['b', 'changed'],
      ['c', 'missing'],
      ['d', 'extra'],
    ],
  );
  assert.deepEqual(compared[1]?.differences, [{ path: 'altStatName', has: '1', offered: '2' }]);
});

test('a listener that drains beside its successor is not a difference; one that warms is what is coming', () => {
  const [compared] = compare([offer('a', '2')], [hold('a', '1', { state: 'draining' }), hold('a', '2')]);
  assert.equal(compared?.state, 'same');
});

test('of what was acknowledged the content is known while it is offered still', () => {
  const resources = [
    offer('a', '1', { acknowledged: '1' }),
    offer('b', '2', { acknowledged: '1' }),
    offer('never', '1', { acknowledged: null }),
    offer('gone', null, { acknowledged: '1' }),
  ];
  const compared = compare(resources, heldByAcknowledgement({ connected: true, resources }));
  assert.deepEqual(
    compared.map(({ name, state, differences }) => [name, state, differences.length]),
    [
      ['a', 'same', 0],
      ['b', 'changed', 0],
      ['gone', 'extra', 0],
      ['never', 'missing', 0],
    ],
  );
  assert.match(compared[1]?.problem ?? '', /older version/);
});

test('a listener of Envoy’s that has the content under an older version is the same', () => {
  const listener = (bindToPort: boolean) => create(ListenerSchema, { name: 'a', bindToPort });
  const bytes = toBinary(ListenerSchema, listener(true));
  const ours = [offer('a', '2', { section: 'listeners', bytes })];
  const state = (bindToPort: boolean) =>
    compare(ours, [hold('a', '1', { section: 'listeners', message: listener(bindToPort) })])[0]?.state;
  assert.deepEqual([state(true), state(false)], ['same', 'changed']);
});

test('endpoints without a version are compared by what matters', () => {
  const assignment = (address: string, healthStatus: HealthStatus, weight?: number) =>
    create(ClusterLoadAssignmentSchema, {
      clusterName: 'a',
      endpoints: [
        {
          lbEndpoints: [
            {
              hostIdentifier: {
                case: 'endpoint',
                value: { address: { address: { case: 'socketAddress', value: { address } } } },
              },
              healthStatus,
              ...(weight === undefined ? {} : { loadBalancingWeight: weight }),
            },
          ],
        },
      ],
    });
  const bytes = toBinary(ClusterLoadAssignmentSchema, assignment('10.0.0.1', HealthStatus.UNKNOWN));
  const ours = [offer('a', '1', { section: 'endpoints', bytes })];
  const state = (address: string) => {
    const message = assignment(address, HealthStatus.HEALTHY, 1);
    return compare(ours, [hold('a', '', { section: 'endpoints', message })])[0]?.state;
  };
  assert.deepEqual([state('10.0.0.1'), state('10.0.0.2')], ['same', 'changed']);
});
