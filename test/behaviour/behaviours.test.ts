/** One suite, two proxies: what Weft's does with the resources that it gets, Envoy does with the same. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { until } from '../support/child.ts';
import { missing } from '../support/components.ts';
import { Backends, type Backend } from './backends.ts';
import { BEHAVIOURS } from './behaviours.ts';
import { ServiceCaller } from './caller.ts';
import { HTTP_PROXY, KINDS, type Kind, startTwoProxies, type TwoProxies } from './two-proxies.ts';

/** One named `raw-…` does not say what it speaks: it is found out. */
function serviceOf(name: string): object {
  const declared = name.startsWith('raw-') ? {} : { appProtocol: 'http' };
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ name: 'web', port: 80, targetPort: 'web', ...declared }] },
  };
}

/** Without a proxy of its own: what the callers do is seen best where nothing is between. */
function endpointOf({ service, name, port }: Backend): object {
  return {
    apiVersion: 'weft.mesh/v1',
    kind: 'Workload',
    metadata: { name, labels: { app: service } },
    spec: { service, account: service, address: '127.0.0.1', ports: [{ name: 'web', port }], proxy: 'none' },
    status: { ready: true },
  };
}

describe('Weft’s proxy and Envoy', { skip: missing('envoy') }, () => {
  const backends = new Backends();
  let proxies: TwoProxies | null = null;

  const callerOf = (kind: Kind): ServiceCaller => {
    assert.ok(proxies !== null);
    const { port } = proxies;
    return new ServiceCaller((service) => port(kind, service), port(kind, HTTP_PROXY), backends);
  };

  before(async () => {
    const services = BEHAVIOURS.flatMap((behaviour) => Object.entries(behaviour.services));
    const endpoints: Backend[] = [];
    for (const [service, conditions] of services) {
      for (const [i, condition] of conditions.entries()) {
        endpoints.push(await backends.start(service, `${service}-${i + 1}`, condition));
      }
    }
    const names = services.map(([name]) => name);
    const written = BEHAVIOURS.flatMap(({ resources = [] }) => resources);
    proxies = await startTwoProxies(names, [...names.map(serviceOf), ...endpoints.map(endpointOf), ...written]);
  });
  after(async () => {
    await proxies?.close();
    backends.close();
  });

  for (const { name, drive, expected } of BEHAVIOURS) {
    test(name, async () => {
      const observed = await Promise.all(
        KINDS.map(async (kind) => {
          const caller = callerOf(kind);
          try {
            return await drive(caller);
          } finally {
            caller.close();
          }
        }),
      );
      for (const [i, kind] of KINDS.entries()) assert.partialDeepStrictEqual(observed[i], expected, kind);
      assert.deepEqual(observed[0], observed[1], 'both do the same');
    });
  }

  test('the log: a line of JSON with the same fields, and the same in them', async () => {
    const lines = await Promise.all(
      KINDS.map(async (kind) => {
        const caller = callerOf(kind);
        await caller.ask('fields', { path: '/logged?by=both', headers: { 'x-request-id': 'of-the-log' } });
        caller.close();
        const line = await until(`${kind} has written it`, 15_000, () =>
          readFileSync(proxies?.accessLog(kind) ?? '', 'utf8')
            .split('\n')
            .find((each) => each.includes('/logged?by=both')),
        );
        const { direction, source, destination, status, method, authority, path, requestId, upstream, ...rest } =
          JSON.parse(line) as Record<string, unknown>;
        for (const field of ['durationMs', 'bytesIn', 'bytesOut'])
          assert.equal(typeof rest[field], 'number', `${kind} ${field}`);
        assert.match(String(rest['time']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
        assert.match(String(rest['traceId']), /^[0-9a-f]{32}$/);
        return { direction, source, destination, status, method, authority, path, requestId, upstream };
      }),
    );
    assert.deepEqual(lines[0], lines[1]);
    assert.partialDeepStrictEqual(lines[0], {
      direction: 'outbound',
      source: 'caller.default',
      destination: 'fields.default',
      status: 200,
    });
  });
});
