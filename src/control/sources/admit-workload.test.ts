/** A workload's record says what its token allowed; every field that would let it answer for others is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WorkloadUser } from '../api-server/user.ts';
import { admitWorkload } from './admit-workload.ts';

const user: WorkloadUser = {
  role: 'workload',
  spiffeId: 'spiffe://weft.local/ns/shop/sa/catalog',
  namespace: 'shop',
  account: 'catalog',
  workload: 'catalog-1',
};
const enrolment = {
  namespace: 'shop',
  workload: 'catalog-1',
  service: 'catalog',
  account: 'catalog',
  tokenId: 't',
  notAfter: 0,
};

const record = {
  apiVersion: 'weft.mesh/v1',
  kind: 'Workload',
  metadata: {
    name: 'catalog-1',
    namespace: 'shop',
    labels: { app: 'catalog', version: 'v1', team: 'fruit' },
    annotations: { 'weft.mesh/leased': 'true' },
  },
  spec: { service: 'catalog', account: 'catalog', version: 'v1', address: '127.0.0.1', ports: [] },
};

const admit = (resource: typeof record, found: typeof enrolment | null = enrolment) =>
  admitWorkload(user, resource, async () => found);

test('the record that its token allowed is admitted', () => admit(record));

test('an admin may write any workload', () =>
  admitWorkload({ role: 'admin' }, { ...record, spec: { ...record.spec, service: 'bank' } }, async () => null));

const cases: readonly (readonly [string, (r: typeof record) => typeof record, RegExp])[] = [
  ['another name', (r) => ({ ...r, metadata: { ...r.metadata, name: 'bank-1' } }), /own record only/],
  ['another namespace', (r) => ({ ...r, metadata: { ...r.metadata, namespace: 'bank' } }), /own record only/],
  ['another service', (r) => ({ ...r, spec: { ...r.spec, service: 'bank' } }), /allowed the service catalog/],
  ['another account', (r) => ({ ...r, spec: { ...r.spec, account: 'bank' } }), /allowed the account catalog/],
  [
    'the label of another service',
    (r) => ({ ...r, metadata: { ...r.metadata, labels: { ...r.metadata.labels, app: 'bank' } } }),
    /labels\.app/,
  ],
  [
    'the label of another version',
    (r) => ({ ...r, metadata: { ...r.metadata, labels: { ...r.metadata.labels, version: 'v9' } } }),
    /labels\.version/,
  ],
  [
    'a record without a lease',
    (r) => ({ ...r, metadata: { ...r.metadata, annotations: { 'weft.mesh/leased': 'false' } } }),
    /leased/,
  ],
];

for (const [name, change, message] of cases) {
  test(`${name} is refused`, () => assert.rejects(admit(change(record)), { code: 'forbidden', message }));
}

test('a workload that is not enrolled is refused', () => assert.rejects(admit(record, null), /not enrolled/));
