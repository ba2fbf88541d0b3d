import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ROUTES, route, SERVICES, service, TestMesh } from '../test-mesh.fixture.ts';

let mesh: TestMesh;
before(async () => {
  mesh = await TestMesh.start();
});
after(() => mesh.close());

function apply(path: string, manager: string, body: unknown, force = false) {
  const type = 'application/apply-patch+yaml';
  return mesh.call('PATCH', `${path}?fieldManager=${manager}&force=${force}`, { type, body });
}

describe('server-side apply', () => {
  test('creates, and takes YAML', async () => {
    const text = 'apiVersion: v1\nkind: Service\nmetadata: {name: yaml}\nspec:\n  ports:\n  - port: 80\n';
    const answer = await mesh.call('PATCH', `${SERVICES}/yaml?fieldManager=me`, {
      type: 'application/apply-patch+yaml',
      text,
    });
    assert.deepEqual([answer.status, answer.body.spec.ports], [201, [{ port: 80 }]]);
  });

  test("another manager's field is a conflict that names the field and the owner; force takes it over", async () => {
    const path = `${ROUTES}/owned`;
    await apply(path, 'alice', route('owned', 'one'));
    const refused = await apply(path, 'bob', route('owned', 'two'));
    assert.deepEqual([refused.status, refused.body.reason], [409, 'Conflict']);
    const [cause] = refused.body.details.causes;
    assert.deepEqual(cause, {
      reason: 'FieldManagerConflict',
      message: 'conflict with "alice"',
      field: '.spec.rules',
    });
    assert.equal((await mesh.call('GET', path)).body.spec.rules[0].backendRefs[0].name, 'one');
    const forced = await apply(path, 'bob', route('owned', 'two'), true);
    assert.equal(forced.body.spec.rules[0].backendRefs[0].name, 'two');
    assert.equal((await apply(path, 'alice', route('owned', 'one'))).status, 409);
  });

  test('what a manager no longer names is removed, unless somebody else owns it', async () => {
    const path = `${SERVICES}/shared`;
    const labelled = (labels: Record<string, string>) => service('shared', { labels });
    await apply(path, 'alice', labelled({ mine: '1', both: '1' }));
    await apply(path, 'bob', labelled({ both: '1' }));
    const { body } = await apply(path, 'alice', labelled({}));
    assert.deepEqual(body.metadata.labels, { both: '1' });
  });

  test('a field that was written by an update belongs to the updater', async () => {
    const path = `${SERVICES}/updated`;
    await apply(path, 'alice', service('updated', { labels: { a: '1' } }));
    await mesh.call('PATCH', `${path}?fieldManager=carol`, {
      type: 'application/merge-patch+json',
      body: { metadata: { labels: { a: '2' } } },
    });
    const refused = await apply(path, 'alice', service('updated', { labels: { a: '1' } }));
    assert.match(refused.body.message, /\.metadata\.labels\.a owned by carol/);
  });

  test('applying needs a manager', async () => {
    const type = 'application/apply-patch+yaml';
    const answer = await mesh.call('PATCH', `${SERVICES}/nobody`, { type, body: service('nobody') });
    assert.equal(answer.status, 400);
  });
});

describe('a set', () => {
  const set = (items: unknown[], more: Record<string, unknown> = {}) =>
    mesh.call('POST', '/apis/weft.mesh/v1/applysets', { body: { items, fieldManager: 'weft', ...more } });

  test('is applied as one commit, a namespace and what is in it included', async () => {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'set' } };
    const answer = await set([service('in-set', { namespace: 'set' }), route('in-default', 'x'), namespace]);
    assert.deepEqual(answer.body, {
      results: [
        { key: 'Service/set/in-set', action: 'created' },
        { key: 'HTTPRoute/default/in-default', action: 'created' },
        { key: 'Namespace//set', action: 'created' },
      ],
    });
    const one = await mesh.call('GET', '/api/v1/namespaces/set/services/in-set');
    const two = await mesh.call('GET', `${ROUTES}/in-default`);
    assert.equal(one.body.metadata.resourceVersion, two.body.metadata.resourceVersion);
    const again = await set([service('in-set', { namespace: 'set' }), route('in-default', 'y')]);
    const actions = again.body.results.map(({ action }) => action);
    assert.deepEqual(actions, ['unchanged', 'configured']);
  });

  test('with one bad item writes nothing and names every violation of every item', async () => {
    const bad = { ...service('set-bad'), spec: { ports: [{ port: -1 }] } };
    const lost = service('set-lost', { namespace: 'nowhere' });
    const shape = await set([service('set-good'), bad, { kind: 'Servise' }]);
    assert.equal(shape.status, 200);
    assert.ok(shape.body.violations.length >= 2);
    const missing = await set([service('set-good'), lost]);
    assert.deepEqual(missing.body.violations[0].path, 'metadata.namespace');
    assert.deepEqual(missing.body.results, []);
    assert.equal((await mesh.call('GET', `${SERVICES}/set-good`)).status, 404);
  });

  test('may be a dry run, and takes objects as they were exported', async () => {
    const dry = await set([service('set-dry')], { dryRun: true });
    assert.equal(dry.body.results[0].action, 'created');
    assert.equal((await mesh.call('GET', `${SERVICES}/set-dry`)).status, 404);
    await set([service('exported')]);
    const exported = (await mesh.call('GET', `${SERVICES}/exported`)).body;
    await mesh.call('PATCH', `${SERVICES}/exported`, {
      type: 'application/merge-patch+json',
      body: { metadata: { labels: { x: 'y' } } },
    });
    assert.equal((await set([exported])).body.results[0].action, 'unchanged');
  });
});
