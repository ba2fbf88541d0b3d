import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ROUTES, route, SERVICES, service, TestMesh, WORKLOADS, workload } from '../test-mesh.fixture.ts';

let mesh: TestMesh;
before(async () => {
  mesh = await TestMesh.start();
});
after(() => mesh.close());

const MERGE = 'application/merge-patch+json';

describe('objects', () => {
  test('a created object has uid, revision, generation 1, a time and an owner of its fields', async () => {
    const created = await mesh.call('POST', `${SERVICES}?fieldManager=me`, { body: service('created') });
    assert.equal(created.status, 201);
    const { metadata, spec } = created.body;
    assert.match(metadata.uid, /^[0-9a-f-]{36}$/);
    assert.match(metadata.resourceVersion, /^\d+$/);
    assert.equal(metadata.generation, 1);
    assert.equal(metadata.namespace, 'default');
    assert.ok(Math.abs(Date.parse(metadata.creationTimestamp) - Date.now()) < 5000);
    assert.equal(metadata.managedFields[0].manager, 'me');
    assert.deepEqual(spec, service('created')['spec']);
    const read = await mesh.call('GET', `${SERVICES}/created`);
    assert.deepEqual(read.body, created.body);
    const again = await mesh.call('POST', SERVICES, { body: service('created') });
    assert.deepEqual([again.status, again.body.kind, again.body.reason], [409, 'Status', 'AlreadyExists']);
  });

  test('every violation comes back, with its field', async () => {
    const bad = { ...service('bad'), spec: { selector: { app: 'bad' }, ports: [{ port: 0 }, { port: 80, prot: 1 }] } };
    const answer = await mesh.call('POST', SERVICES, { body: bad });
    assert.deepEqual([answer.status, answer.body.reason], [422, 'Invalid']);
    const fields = answer.body.details.causes.map(({ field }) => field);
    assert.ok(fields.includes('spec.ports[0].port'), fields.join());
    assert.ok(fields.length >= 2);
  });

  test('the Mesh stays: made anew it could name another trust domain', async () => {
    const path = '/apis/weft.mesh/v1/meshes';
    const made = { apiVersion: 'weft.mesh/v1', kind: 'Mesh', metadata: { name: 'default' }, spec: {} };
    assert.equal((await mesh.call('POST', path, { body: made })).status, 201);
    for (const each of [path, `${path}/default`]) assert.equal((await mesh.call('DELETE', each)).status, 403, each);
    assert.equal((await mesh.call('GET', `${path}/default`)).status, 200);
  });

  test('generation counts changes of the spec only', async () => {
    await mesh.call('POST', SERVICES, { body: service('generation') });
    const path = `${SERVICES}/generation`;
    const labelled = await mesh.call('PATCH', path, { type: MERGE, body: { metadata: { labels: { a: 'b' } } } });
    assert.equal(labelled.body.metadata.generation, 1);
    const changed = await mesh.call('PATCH', path, { type: MERGE, body: { spec: { selector: { app: 'x' } } } });
    assert.equal(changed.body.metadata.generation, 2);
  });

  test('a write that changes nothing keeps the revision', async () => {
    const created = await mesh.call('POST', SERVICES, { body: service('same') });
    const { resourceVersion } = created.body.metadata;
    const put = await mesh.call('PUT', `${SERVICES}/same`, { body: created.body });
    assert.equal(put.body.metadata.resourceVersion, resourceVersion);
    const patch = await mesh.call('PATCH', `${SERVICES}/same`, { type: MERGE, body: { spec: {} } });
    assert.equal(patch.body.metadata.resourceVersion, resourceVersion);
    const apply = () =>
      mesh.call('PATCH', `${SERVICES}/same?fieldManager=applier`, {
        type: 'application/apply-patch+yaml',
        body: service('same'),
      });
    const first = await apply();
    assert.equal((await apply()).body.metadata.resourceVersion, first.body.metadata.resourceVersion);
  });

  test('an update of a stale revision is a conflict and changes nothing', async () => {
    const created = await mesh.call('POST', SERVICES, { body: service('stale') });
    await mesh.call('PATCH', `${SERVICES}/stale`, { type: MERGE, body: { metadata: { labels: { a: 'b' } } } });
    const stale = { ...created.body, spec: { ...created.body.spec, selector: { app: 'other' } } };
    const answer = await mesh.call('PUT', `${SERVICES}/stale`, { body: stale });
    assert.deepEqual([answer.status, answer.body.reason], [409, 'Conflict']);
    assert.equal((await mesh.call('GET', `${SERVICES}/stale`)).body.spec.selector.app, 'stale');
  });

  test('concurrent patches without a revision all take effect', async () => {
    await mesh.call('POST', SERVICES, { body: service('busy') });
    const patches = [1, 2, 3, 4, 5].map((n) =>
      mesh.call('PATCH', `${SERVICES}/busy`, { type: MERGE, body: { metadata: { labels: { [`l${n}`]: 'x' } } } }),
    );
    assert.deepEqual(
      (await Promise.all(patches)).map(({ status }) => status),
      [200, 200, 200, 200, 200],
    );
    const { labels } = (await mesh.call('GET', `${SERVICES}/busy`)).body.metadata;
    assert.equal(Object.keys(labels).length, 5);
  });

  test('JSON patch and the strategic merge of a Service work; a kind of our own refuses the latter', async () => {
    await mesh.call('POST', SERVICES, { body: service('patched') });
    const json = await mesh.call('PATCH', `${SERVICES}/patched`, {
      type: 'application/json-patch+json',
      body: [{ op: 'replace', path: '/spec/ports/0/port', value: 81 }],
    });
    assert.equal(json.body.spec.ports[0].port, 81);
    const type = 'application/strategic-merge-patch+json';
    const strategic = await mesh.call('PATCH', `${SERVICES}/patched`, {
      type,
      body: { spec: { ports: [{ name: 'admin', port: 9000 }] } },
    });
    assert.deepEqual(
      strategic.body.spec.ports.map(({ port }) => port),
      [81, 9000],
    );
    await mesh.call('POST', ROUTES, { body: route('patched', 'patched') });
    const refused = await mesh.call('PATCH', `${ROUTES}/patched`, { type, body: {} });
    assert.deepEqual([refused.status, refused.body.reason], [415, 'UnsupportedMediaType']);
  });

  test('the status subresource and the object never write each other', async () => {
    await mesh.call('POST', WORKLOADS, { body: { ...workload('status.1'), status: { ready: true } } });
    const path = `${WORKLOADS}/status.1`;
    assert.equal((await mesh.call('GET', path)).body.status, undefined);
    const body = { status: { ready: true }, spec: { address: '10.0.0.9' } };
    const status = await mesh.call('PATCH', `${path}/status`, { type: MERGE, body });
    assert.deepEqual([status.body.status, status.body.spec.address], [{ ready: true }, '127.0.0.1']);
    assert.equal(status.body.metadata.generation, 1);
    const back = { status: { ready: false }, spec: { address: '127.0.0.2' } };
    const spec = await mesh.call('PATCH', path, { type: MERGE, body: back });
    assert.deepEqual([spec.body.status, spec.body.spec.address], [{ ready: true }, '127.0.0.2']);
  });

  test('an immutable field cannot change', async () => {
    await mesh.call('POST', WORKLOADS, { body: workload('fixed.1') });
    const body = { spec: { service: 'other' } };
    const answer = await mesh.call('PATCH', `${WORKLOADS}/fixed.1`, { type: MERGE, body });
    assert.equal(answer.status, 422);
    assert.equal(answer.body.details.causes[0].field, 'spec.service');
  });

  test('a dry run answers as the write would and writes nothing', async () => {
    const dry = await mesh.call('POST', `${SERVICES}?dryRun=All`, { body: service('dry') });
    assert.equal(dry.status, 201);
    assert.equal((await mesh.call('GET', `${SERVICES}/dry`)).status, 404);
    assert.equal((await mesh.call('POST', `${SERVICES}?dryRun=Some`, { body: service('dry') })).status, 400);
  });

  test('lists select by label and field; generateName makes names', async () => {
    const labels = { tier: 'web' };
    for (const name of ['listed-a', 'listed-b']) await mesh.call('POST', SERVICES, { body: service(name, { labels }) });
    const named = await mesh.call('POST', SERVICES, {
      body: { ...service('x'), metadata: { generateName: 'made-', labels } },
    });
    assert.match(named.body.metadata.name, /^made-[0-9a-f]{5}$/);
    const list = async (query: string) => {
      const { body } = await mesh.call('GET', `/api/v1/services?${query}`);
      assert.equal(body.kind, 'ServiceList');
      return body.items.map(({ metadata }) => metadata.name);
    };
    assert.equal((await list('labelSelector=tier%3Dweb')).length, 3);
    assert.deepEqual(await list('labelSelector=tier%20in%20(web,db),tier&fieldSelector=metadata.name%3Dlisted-b'), [
      'listed-b',
    ]);
    assert.equal((await mesh.call('GET', '/api/v1/services?labelSelector=%3D%3D')).status, 400);
  });

  test('tables have the columns of the kind', async () => {
    await mesh.call('POST', SERVICES, { body: service('table', { labels: { in: 'table' } }) });
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
    const { body } = await mesh.call('GET', `${SERVICES}?labelSelector=in%3Dtable`, { accept });
    assert.deepEqual([body.kind, body.apiVersion], ['Table', 'meta.k8s.io/v1']);
    const columns = body.columnDefinitions.map(({ name }) => name);
    assert.deepEqual(columns, ['Name', 'PORTS', 'SELECTOR', 'Age']);
    const [{ cells, object }] = body.rows;
    assert.deepEqual(cells.slice(0, 3), ['table', '80→8080', 'app=table']);
    assert.match(cells[3], /^\ds$/);
    assert.equal(object.kind, 'PartialObjectMetadata');
  });

  test('deletion honours preconditions, and a collection goes by selector', async () => {
    const created = await mesh.call('POST', SERVICES, { body: service('doomed', { labels: { d: '1' } }) });
    const wrong = await mesh.call('DELETE', `${SERVICES}/doomed`, { body: { preconditions: { uid: 'other' } } });
    assert.equal(wrong.status, 409);
    const right = { preconditions: { uid: created.body.metadata.uid } };
    assert.equal((await mesh.call('DELETE', `${SERVICES}/doomed`, { body: right })).body.status, 'Success');
    assert.equal((await mesh.call('DELETE', `${SERVICES}/doomed`)).status, 404);
    for (const name of ['d-1', 'd-2'])
      await mesh.call('POST', SERVICES, { body: service(name, { labels: { d: '2' } }) });
    const all = await mesh.call('DELETE', `${SERVICES}?labelSelector=d%3D2`);
    assert.equal(all.body.details.deleted, 2);
  });
});

describe('namespaces', () => {
  test('default and weft-system exist and stay', async () => {
    const { body } = await mesh.call('GET', '/api/v1/namespaces');
    const names = body.items.map(({ metadata }) => metadata.name);
    assert.deepEqual(names.slice(0, 2), ['default', 'weft-system']);
    assert.equal((await mesh.call('DELETE', '/api/v1/namespaces/default')).status, 403);
  });

  test('nothing is created in a namespace that does not exist', async () => {
    const answer = await mesh.call('POST', '/api/v1/namespaces/nowhere/services', { body: service('a') });
    assert.deepEqual([answer.status, answer.body.reason], [404, 'NotFound']);
    assert.match(answer.body.message, /namespace "nowhere" does not exist/);
  });

  test('a deleted namespace takes its objects with it', async () => {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } };
    assert.deepEqual((await mesh.call('POST', '/api/v1/namespaces', { body: namespace })).body.status, {
      phase: 'Active',
    });
    await mesh.call('POST', '/api/v1/namespaces/shop/services', { body: service('a') });
    assert.equal((await mesh.call('DELETE', '/api/v1/namespaces/shop')).status, 200);
    const left = await mesh.call('GET', '/api/v1/namespaces/shop/services');
    assert.deepEqual(left.body.items, []);
  });
});
