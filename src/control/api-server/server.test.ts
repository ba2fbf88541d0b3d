import assert from 'node:assert/strict';
import { connect as connectTls } from 'node:tls';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ResourceClient } from '../../client/resources.ts';
import { createHttpsTransport } from '../../client/https-transport.ts';
import { watch } from '../../client/watch.ts';
import { serviceKind } from '../../api/kinds/service.ts';
import { Counters } from '../../core/counters.ts';
import { isWeftError } from '../../core/errors.ts';
import type { Route } from './handler.ts';
import { ADMIN_TOKEN, makeCa, SERVICES, service, TestMesh, WORKLOADS, workload } from './test-mesh.fixture.ts';

const LEASE = '/apis/weft.mesh/v1/namespaces/:namespace/workloads/:name/lease';

const routes: readonly Route[] = [
  {
    method: 'POST',
    path: '/apis/identity.weft.mesh/v1/enrollments',
    access: 'public',
    handle: ({ bearer, user, body }) => ({ status: 201, body: { bearer, user, body } }),
  },
  {
    method: 'POST',
    path: LEASE,
    access: 'own-workload',
    handle: ({ params, user, peer }) => ({ status: 200, body: { params, user, cn: peer?.commonName ?? null } }),
  },
  { method: 'GET', path: '/apis/weft.mesh/v1/meshstatus', access: 'admin', handle: () => ({ status: 200, body: {} }) },
  {
    method: 'GET',
    path: '/bug',
    access: 'admin',
    handle: () => {
      throw new Error('secret inside');
    },
  },
];

let mesh: TestMesh;
before(async () => {
  mesh = await TestMesh.start({
    routes,
    bounds: { maxSmallBodyBytes: 4096, maxBodyBytes: 20_000, headTimeoutMs: 500 },
  });
});
after(() => mesh.close());

const nobody = { token: null };

describe('credentials', () => {
  test('without one, and with a wrong one, the answer is 401', async () => {
    for (const options of [nobody, { token: 'wrong' }, { token: `${ADMIN_TOKEN}x` }]) {
      const { status, body } = await mesh.call('GET', SERVICES, options);
      assert.deepEqual([status, body.kind, body.reason], [401, 'Status', 'Unauthorized']);
    }
    assert.equal((await mesh.call('GET', '/version', nobody)).status, 401);
    assert.equal((await mesh.call('GET', '/healthz', nobody)).text, 'ok');
    assert.ok(!JSON.stringify(mesh.log.lines).includes(ADMIN_TOKEN));
  });

  test('an SVID of the mesh is a workload', async () => {
    const identity = await mesh.workload('default', 'catalog.1');
    const { body } = await mesh.call('POST', `${WORKLOADS}/catalog.1/lease`, { identity, body: {} });
    assert.deepEqual(body, {
      params: { namespace: 'default', name: 'catalog.1' },
      user: {
        role: 'workload',
        spiffeId: 'spiffe://weft.local/ns/default/sa/catalog',
        namespace: 'default',
        account: 'catalog',
        workload: 'catalog.1',
      },
      cn: 'default/catalog.1',
    });
  });

  test('certificates that are not an SVID of this mesh are refused, each with its reason', async () => {
    const uri = 'spiffe://weft.local/ns/default/sa/catalog';
    const commonName = 'default/catalog.1';
    const foreign = await makeCa();
    const cases: [RegExp, Awaited<ReturnType<typeof foreign.leaf>>][] = [
      [/not of this mesh/, await foreign.leaf({ uri, commonName })],
      [/trust domain evil/, await mesh.ca.leaf({ uri: 'spiffe://evil/ns/default/sa/catalog', commonName })],
      [/not of this mesh|expired/, await mesh.ca.leaf({ uri, commonName, notAfter: Date.now() - 60_000 })],
      [/does not name a workload/, await mesh.ca.leaf({ uri, commonName: 'shop/catalog.1' })],
      [/not one of a workload/, await mesh.ca.leaf({ uri: 'spiffe://weft.local/other', commonName })],
    ];
    for (const [reason, identity] of cases) {
      const { status, body } = await mesh.call('GET', SERVICES, { identity });
      assert.equal(status, 401);
      assert.match(body.message, reason);
    }
  });

  test('a certificate that expires while its connection is open is one no more', async () => {
    const uri = 'spiffe://weft.local/ns/default/sa/catalog';
    const identity = await mesh.ca.leaf({ uri, commonName: 'default/catalog.1', notAfter: Date.now() + 2500 });
    const transport = createHttpsTransport({
      server: `https://127.0.0.1:${mesh.server.address.port}`,
      caPem: mesh.ca.trustBundlePem,
      credential: () => ({ kind: 'certificate', ...identity }),
    });
    const client = new ResourceClient(transport);
    await client.list(serviceKind, 'default');
    await sleep(2_600);
    await assert.rejects(client.list(serviceKind, 'default'), (error) => isWeftError(error, 'unauthenticated'));
    transport.close();
  });
});

describe('permissions', () => {
  test('a workload reads the mesh, writes itself, and nothing else', async () => {
    const identity = await mesh.workload('default', 'cart.1');
    const call = async (method: string, path: string, body?: unknown) =>
      (await mesh.call(method, path, { identity, body })).status;
    assert.equal(await call('GET', SERVICES), 200);
    assert.equal(await call('GET', '/apis/gateway.networking.k8s.io/v1/httproutes'), 200);
    assert.equal(await call('POST', WORKLOADS, workload('cart.1')), 201);
    assert.equal(await call('POST', WORKLOADS, workload('cart.2')), 403);
    assert.equal(await call('DELETE', `${WORKLOADS}/other.1`), 403);
    assert.equal(await call('DELETE', WORKLOADS), 403);
    assert.equal(await call('POST', '/apis/weft.mesh/v1/meshes', {}), 403);
    assert.equal(await call('POST', `${WORKLOADS}/other.1/lease`, {}), 403);
    assert.equal(await call('GET', '/apis/weft.mesh/v1/meshstatus'), 403);
    assert.equal(await call('PATCH', `${WORKLOADS}/cart.1/status`, {}), 403);
    assert.equal(await call('DELETE', `${WORKLOADS}/cart.1`), 200);
    assert.deepEqual(mesh.released, ['default/cart.1']);
  });

  test('a refusal says who may', async () => {
    const identity = await mesh.workload('default', 'cart.1');
    const { body } = await mesh.call('DELETE', `${WORKLOADS}/other.1`, { identity });
    assert.match(body.message, /workload default\/cart\.1 .* may not delete Workload\/default\/other\.1/);
    assert.match(body.details.hint, /the workload default\/other\.1 itself and the admin/);
  });

  test('refusals without end are all counted, and after a few are a line a second', async () => {
    const counters = new Counters();
    const flooded = await TestMesh.start({ counters });
    for (let i = 0; i < 50; i++) assert.equal((await flooded.call('GET', WORKLOADS, { token: 'wrong' })).status, 401);
    const refused = () => flooded.log.lines.filter(({ message }) => message === 'an API request was refused');
    assert.ok(refused().length >= 1 && refused().length < 25, `${refused().length} lines`);
    assert.equal(counters.counter('weft_api_refused_total', { code: 'unauthenticated' }).value, 50);
    await sleep(1_001);
    await flooded.call('GET', WORKLOADS, { token: 'wrong' });
    const told = refused().map(({ fields }) => Number(fields['untold'] ?? 0) + 1);
    assert.equal(
      told.reduce((sum, count) => sum + count, 0),
      51,
    );
    await flooded.close();
  });

  test('a workload cannot claim a service or account that its token does not allow', async () => {
    const identity = await mesh.workload('default', 'stock.1');
    const claims = [
      workload('stock.1', { service: 'payments' }),
      workload('stock.1', { account: 'payments' }),
      { ...workload('stock.1'), metadata: { name: 'stock.1', labels: { app: 'payments' } } },
    ];
    for (const body of claims) assert.equal((await mesh.call('POST', WORKLOADS, { identity, body })).status, 403);
    const gone = await mesh.workload('default', 'gone.1');
    const answer = await mesh.call('POST', WORKLOADS, { identity: gone, body: workload('gone.1') });
    assert.match(answer.body.message, /not enrolled/);
  });

  test('a registration creates the Services of its own service where they are missing, and changes none', async () => {
    const identity = await mesh.workload('default', 'web.1');
    const set = (items: unknown[]) =>
      mesh.call('POST', '/apis/weft.mesh/v1/applysets', { identity, body: { items, fieldManager: 'agent' } });
    const versioned = {
      ...service('web-v2'),
      spec: { selector: { app: 'web', version: 'v2' }, ports: [{ port: 80 }] },
    };
    const first = await set([workload('web.1'), service('web'), versioned]);
    assert.deepEqual(
      first.body.results.map(({ action }) => action),
      ['created', 'created', 'created'],
    );
    const again = await set([{ ...service('web'), spec: { selector: { app: 'web' }, ports: [{ port: 81 }] } }]);
    assert.equal(again.body.results[0].action, 'unchanged');
    assert.equal((await set([service('payments')])).status, 403);
    assert.equal(
      (await set([{ ...service('web-x'), spec: { selector: { tier: 'db' }, ports: [{ port: 1 }] } }])).status,
      403,
    );
  });
});

describe('mounted routes', () => {
  test('a public one is handed the bearer of its own kind', async () => {
    const path = '/apis/identity.weft.mesh/v1/enrollments';
    const { status, body } = await mesh.call('POST', path, { token: 'weft-join-x', body: { a: 1 } });
    assert.deepEqual([status, body], [201, { bearer: 'weft-join-x', user: null, body: { a: 1 } }]);
    assert.equal((await mesh.call('GET', path, nobody)).status, 405);
  });

  test('a bug is a 500 that tells nothing and is logged', async () => {
    const { status, text } = await mesh.call('GET', '/bug');
    assert.equal(status, 500);
    assert.ok(!text.includes('secret inside'));
    assert.ok(
      mesh.log.lines.some((line) => line.level === 'error' && String(line.fields['reason']).includes('inside')),
    );
  });
});

describe('bounds', () => {
  test('a body that is too large, too deep, not JSON or of another type is refused', async () => {
    const huge = await mesh.call('POST', SERVICES, { text: JSON.stringify({ a: 'x'.repeat(30_000) }) });
    assert.deepEqual([huge.status, huge.body.reason], [413, 'RequestEntityTooLarge']);
    const identity = await mesh.workload('default', 'cart.1');
    const big = await mesh.call('POST', WORKLOADS, { identity, text: JSON.stringify({ a: 'x'.repeat(5000) }) });
    assert.equal(big.status, 413);
    const deep = await mesh.call('POST', SERVICES, { text: '['.repeat(100) + ']'.repeat(100) });
    assert.deepEqual([deep.status, deep.body.message], [400, 'the body is nested deeper than 64 levels']);
    assert.equal((await mesh.call('POST', SERVICES, { text: '{"__proto__": {"a": 1}}' })).status, 400);
    assert.equal((await mesh.call('POST', SERVICES, { text: '{' })).status, 400);
    assert.equal((await mesh.call('POST', SERVICES, { text: 'x', type: 'text/html' })).status, 415);
    const alias = 'a: &a [1]\nb: *a\n';
    assert.equal((await mesh.call('POST', SERVICES, { text: alias, type: 'application/yaml' })).status, 400);
  });

  test('nobody without a credential makes the server read a body', async () => {
    const { status } = await mesh.call('POST', SERVICES, { ...nobody, text: 'x'.repeat(3_000) });
    assert.equal(status, 401);
  });

  test('a head that does not end is cut', { timeout: 10_000 }, async () => {
    const socket = connectTls({ host: '127.0.0.1', port: mesh.server.address.port, ca: mesh.ca.trustBundlePem });
    await once(socket, 'secureConnect');
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    await once(socket, 'close');
    assert.match(text, /^HTTP\/1\.1 408/);
  });
});

describe('discovery', () => {
  test('groups, versions and resources are listed', async () => {
    assert.deepEqual((await mesh.call('GET', '/api')).body.versions, ['v1']);
    const groups = (await mesh.call('GET', '/apis')).body.groups.map(({ name }) => name);
    assert.deepEqual(groups, ['gateway.networking.k8s.io', 'weft.mesh']);
    const core = (await mesh.call('GET', '/api/v1')).body;
    assert.equal(core.kind, 'APIResourceList');
    const services = core.resources.find(({ name }) => name === 'services');
    assert.deepEqual([services?.kind, services?.namespaced, services?.shortNames], ['Service', true, ['svc']]);
    assert.equal((await mesh.call('GET', '/apis/weft.mesh')).body.preferredVersion.version, 'v1');
    assert.match((await mesh.call('GET', '/version')).body.gitVersion, /^v1\.\d+\.0\+weft-0\.0\.0-test$/);
  });

  test('every path that the OpenAPI index names is served', async () => {
    const { paths } = (await mesh.call('GET', '/openapi/v3')).body;
    assert.ok(Object.keys(paths).length >= 3);
    for (const { serverRelativeURL } of Object.values<{ serverRelativeURL: string }>(paths)) {
      assert.equal((await mesh.call('GET', serverRelativeURL)).body.openapi, '3.0.0');
    }
  });

  test('what does not exist is 404, what may not be done 405', async () => {
    for (const path of ['/', '/nothing', '/api/v2', '/api/v1/pods', '/apis/x/v1', '/api/v1/services/name']) {
      const { status, body } = await mesh.call('GET', path);
      assert.deepEqual([path, status, body.reason], [path, 404, 'NotFound']);
    }
    assert.equal((await mesh.call('POST', `${SERVICES}/a`, { body: {} })).status, 405);
    assert.equal((await mesh.call('GET', '/api/%zz')).status, 400);
  });
});

test('the client of the CLI speaks to it: create, apply, conflict, watch', async () => {
  const transport = createHttpsTransport({
    server: `https://127.0.0.1:${mesh.server.address.port}`,
    caPem: mesh.ca.trustBundlePem,
    credential: () => ({ kind: 'token', token: ADMIN_TOKEN }),
  });
  const client = new ResourceClient(transport);
  const made = service('client', { namespace: 'default' }) as never;
  const created: object = await client.create(serviceKind, made);
  await assert.rejects(client.create(serviceKind, made), (error) => isWeftError(error, 'already-exists'));
  const { resourceVersion } = await client.list(serviceKind, 'default');
  await client.mergePatch(serviceKind, 'default', 'client', { metadata: { labels: { x: 'y' } } });
  await assert.rejects(client.replace(serviceKind, { ...created, spec: {} } as never), (error) => isWeftError(error));
  const stop = new AbortController();
  for await (const event of watch(transport, serviceKind, resourceVersion, { namespace: null, signal: stop.signal })) {
    assert.deepEqual([event.type, event.object.metadata.labels], ['MODIFIED', { x: 'y' }]);
    break;
  }
  transport.close();
});
