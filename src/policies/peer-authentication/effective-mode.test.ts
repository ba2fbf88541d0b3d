import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import type { MtlsMode } from '../../api/kinds/mesh.ts';
import type { Service } from '../../api/kinds/service.ts';
import type { Workload } from '../../api/kinds/workload.ts';
import { readResource } from '../../api/validate.ts';
import { meshKinds } from '../kinds.ts';
import { effectiveMode } from './effective-mode.ts';
import type { PeerAuthentication, PeerAuthenticationSpec } from './kind.ts';

const workload: Workload = {
  apiVersion: 'weft.mesh/v1',
  kind: 'Workload',
  metadata: { name: 'catalog-1', namespace: 'shop', labels: { app: 'catalog', version: 'v1' } },
};
const service: Service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'catalog', namespace: 'shop' },
  spec: { selector: { app: 'catalog' } },
};

function policy(
  name: string,
  spec: PeerAuthenticationSpec,
  created = '2026-01-01T00:00:00Z',
  namespace = 'shop',
): PeerAuthentication {
  return {
    apiVersion: 'weft.mesh/v1',
    kind: 'PeerAuthentication',
    metadata: { name, namespace, creationTimestamp: created },
    spec,
  };
}

const decide = (policies: readonly PeerAuthentication[], mesh: MtlsMode = 'strict') => {
  const { mode, origin } = effectiveMode({ policies, services: [service], workload, appPort: 8080, mesh });
  return `${mode} by ${origin.kind} ${origin.name} ${origin.path}`;
};

const wide = policy('wide', { mtls: { mode: 'permissive' } });
const selected = policy('selected', { selector: { matchLabels: { app: 'catalog' } }, mtls: { mode: 'disabled' } });
const byService = policy('by-service', {
  targetRefs: [{ group: '', kind: 'Service', name: 'catalog' }],
  mtls: { mode: 'disabled' },
});
const byWorkload = policy('by-workload', {
  targetRefs: [{ group: 'weft.mesh', kind: 'Workload', name: 'catalog-1' }],
  portLevelMtls: { '8080': { mode: 'permissive' } },
});
const other = policy('other', {
  targetRefs: [{ group: '', kind: 'Service', name: 'stock' }],
  mtls: { mode: 'disabled' },
});
const otherPort = policy('other-port', {
  selector: { matchLabels: { app: 'catalog' } },
  portLevelMtls: { '9090': { mode: 'disabled' } },
});
const older = policy('zz', { mtls: { mode: 'disabled' } }, '2025-01-01T00:00:00Z');
const sameAge = policy('aa', { mtls: { mode: 'disabled' } });
const elsewhere = policy('elsewhere', { mtls: { mode: 'disabled' } }, '2020-01-01T00:00:00Z', 'bank');
const unstored: PeerAuthentication = { ...sameAge, metadata: { name: 'aa', namespace: 'shop' } };

describe('effectiveMode: the most specific policy decides', () => {
  const cases: [string, PeerAuthentication[], string][] = [
    ['nothing is written: the mesh', [], 'strict by Mesh default spec.mtls.mode'],
    ['a policy of the namespace before the mesh', [wide], 'permissive by PeerAuthentication wide spec.mtls.mode'],
    ['a selector before the namespace', [wide, selected], 'disabled by PeerAuthentication selected spec.mtls.mode'],
    [
      'a Service that selects the workload',
      [wide, byService],
      'disabled by PeerAuthentication by-service spec.mtls.mode',
    ],
    [
      'a port before all',
      [wide, selected, byWorkload],
      'permissive by PeerAuthentication by-workload spec.portLevelMtls["8080"].mode',
    ],
    ['a policy for other workloads is nothing', [other], 'strict by Mesh default spec.mtls.mode'],
    [
      'a policy for another port falls through',
      [otherPort, wide],
      'permissive by PeerAuthentication wide spec.mtls.mode',
    ],
    ['a policy of another namespace is nothing', [elsewhere], 'strict by Mesh default spec.mtls.mode'],
    ['the older of two', [wide, older], 'disabled by PeerAuthentication zz spec.mtls.mode'],
    ['the first name of two of one age', [wide, sameAge], 'disabled by PeerAuthentication aa spec.mtls.mode'],
    [
      'a stored one before one that is not stored yet',
      [unstored, wide],
      'permissive by PeerAuthentication wide spec.mtls.mode',
    ],
  ];
  for (const [name, policies, expected] of cases) test(name, () => assert.equal(decide(policies), expected));
});

test('the order in which policies arrive does not matter', () => {
  const all = [wide, selected, byService, byWorkload, other, otherPort, older, sameAge, elsewhere];
  const some = fc
    .subarray(all)
    .chain((chosen) => fc.tuple(fc.constant(chosen), fc.shuffledSubarray(chosen, { minLength: chosen.length })));
  fc.assert(fc.property(some, ([chosen, shuffled]) => assert.equal(decide(shuffled), decide(chosen))));
});

test('without a policy for it, a workload has what the mesh says', () => {
  assert.equal(decide([other], 'permissive'), 'permissive by Mesh default spec.mtls.mode');
});

describe('the schema of PeerAuthentication', () => {
  const problems = (spec: unknown) => {
    const value = { apiVersion: 'weft.mesh/v1', kind: 'PeerAuthentication', metadata: { name: 'x' }, spec };
    return readResource(meshKinds, value, 'default').violations.map(({ path, message }) => `${path}: ${message}`);
  };

  test('accepts what the table above uses', () => {
    for (const { spec } of [wide, selected, byService, byWorkload, other, otherPort])
      assert.deepEqual(problems(spec), []);
  });

  test('refuses what could not mean anything', () => {
    assert.match(problems({})[0] ?? '', /^spec.mtls: is required/);
    assert.match(
      problems({ portLevelMtls: { 80: { mode: 'strict' } } })[0] ?? '',
      /^spec.portLevelMtls: needs targetRefs/,
    );
    assert.match(problems({ selector: { matchLabels: {} }, mtls: { mode: 'strict' } })[0] ?? '', /at least one label/);
    assert.match(problems({ ...selected.spec, ...byService.spec })[0] ?? '', /must not stand beside targetRefs/);
    assert.match(
      problems({ targetRefs: [{ group: 'weft.mesh', kind: 'Service', name: 'a' }], mtls: { mode: 'strict' } })[0] ?? '',
      /group: must be "" for a Service/,
    );
    assert.match(
      problems({ ...selected.spec, portLevelMtls: { '70000': { mode: 'strict' } } })[0] ?? '',
      /port number from 1 to 65535/,
    );
    assert.match(
      problems({ ...selected.spec, portLevelMtls: { web: { mode: 'strict' } } })[0] ?? '',
      /must be a port number/,
    );
  });
});
