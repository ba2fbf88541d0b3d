/** The Services that a workload gets when it registers, and that existing ones are left alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WeftError } from '../../core/errors.ts';
import type { Workload, WorkloadPort } from '../../api/kinds/workload.ts';
import { makeServices, servicesOf } from './service-maker.ts';

function workload(ports: WorkloadPort[], version?: string): Workload {
  return {
    apiVersion: 'weft.mesh/v1',
    kind: 'Workload',
    metadata: { name: 'catalog-1', namespace: 'shop' },
    spec: {
      service: 'catalog',
      account: 'catalog',
      address: '127.0.0.1',
      ports,
      ...(version === undefined ? {} : { version }),
    },
  };
}

test('a web port is reached at 80 and at its own number', () => {
  const [service] = servicesOf(workload([{ port: 8081 }]));
  assert.deepEqual(service?.spec?.ports, [
    { name: 'web', port: 80, targetPort: 8081 },
    { name: 'port-8081', port: 8081, targetPort: 8081 },
  ]);
  assert.deepEqual(service?.spec?.selector, { app: 'catalog' });
});

test('a named TCP port keeps its number and its protocol, and leads to that name on whatever port an instance has it', () => {
  const [service] = servicesOf(workload([{ name: 'redis', port: 6379, protocol: 'tcp' }]));
  assert.deepEqual(service?.spec?.ports, [{ name: 'redis', port: 6379, targetPort: 'redis', appProtocol: 'tcp' }]);
});

test('no name stands twice, whatever the ports are called', () => {
  const named = (...ports: WorkloadPort[]) => servicesOf(workload(ports))[0]?.spec?.ports?.map(({ name }) => name);
  assert.deepEqual(named({ name: 'web', port: 8081 }), ['http', 'web']);
  assert.deepEqual(named({ name: 'http', port: 8081 }, { name: 'web', port: 8082 }), ['port-80', 'http', 'web']);
  assert.deepEqual(named({ port: 8081 }, { name: 'port-8081', port: 8082 }), ['web', 'tcp-8081', 'port-8081']);
});

test('a version has a Service of its own, whatever characters it has', () => {
  const names = servicesOf(workload([{ port: 80 }], 'V1.2_rc')).map((service) => service.metadata.name);
  assert.deepEqual(names, ['catalog', 'catalog-v1-2-rc']);
});

test('a workload without ports gets none', () => assert.deepEqual(servicesOf(workload([])), []));

test('Services that exist stay as they are', async () => {
  const created: string[] = [];
  await makeServices(workload([{ port: 80 }], 'v1'), {
    async create(service) {
      if (service.metadata.name === 'catalog') throw new WeftError('already-exists', { what: 'exists' });
      created.push(service.metadata.name);
    },
  });
  assert.deepEqual(created, ['catalog-v1']);
});
