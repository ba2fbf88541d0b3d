/** The API as curl and scripts written for Kubernetes use it: paths, verbs, patches, watches, and refusals as Status objects. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Child, withLimit } from '../support/child.ts';
import { missing, program } from '../support/components.ts';
import { LiveMesh } from '../support/live-mesh.ts';

const SERVICES = '/api/v1/namespaces/default/services';
const ROUTES = '/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes';

interface Answer {
  readonly status: number;
  readonly type: string;
  // Whatever the API answers: each test looks at what it knows of.
  readonly body: { readonly [key: string]: unknown };
}

describe('the API by curl', { skip: missing('curl') }, () => {
  const mesh = new LiveMesh();
  let credentials = '';
  let ca = '';

  before(async () => {
    await mesh.start();
    credentials = join(mesh.directory, 'headers');
    ca = join(mesh.directory, 'ca.pem');
    writeFileSync(credentials, `Authorization: Bearer ${mesh.admin.token}\n`, { mode: 0o600 });
    writeFileSync(ca, mesh.admin.caPem);
  });
  after(() => mesh.close());

  function start(path: string, words: readonly string[], authorization: readonly string[]): Child {
    const common = ['-sS', '-N', '--cacert', ca, ...authorization];
    return mesh.adopt(new Child(program('curl'), [...common, ...words, `${mesh.admin.server}${path}`]));
  }

  async function curl(
    path: string,
    words: readonly string[] = [],
    authorization = ['-H', `@${credentials}`],
  ): Promise<Answer> {
    const format = ['-m', '15', '-w', '\n%{http_code} %{content_type}'];
    const { code, stdout, stderr } = await start(path, [...format, ...words], authorization).finished();
    assert.equal(code, 0, stderr);
    const [, body = '', status, type = ''] = /^(.*)\n(\d+) (.*)$/s.exec(stdout) ?? [];
    return { status: Number(status), type, body: JSON.parse(body || '{}') as Answer['body'] };
  }

  const json = (method: string, type: string, value: unknown) => [
    '-X',
    method,
    '-H',
    `Content-Type: ${type}`,
    '-d',
    JSON.stringify(value),
  ];

  function assertStatus({ status, type, body }: Answer, code: number, reason: string): void {
    assert.equal(status, code, JSON.stringify(body));
    assert.match(type, /^application\/json/);
    assert.deepEqual(
      {
        kind: body['kind'],
        apiVersion: body['apiVersion'],
        status: body['status'],
        code: body['code'],
        reason: body['reason'],
      },
      { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason },
    );
    assert.ok(String(body['message']).length > 10);
  }

  test('discovery leads to every kind', async () => {
    assert.equal((await curl('/version')).status, 200);
    const core = (await curl('/api/v1')).body['resources'] as { name: string }[];
    assert.ok(core.some(({ name }) => name === 'services'));
    const groups = (await curl('/apis')).body['groups'] as { name: string }[];
    for (const group of ['weft.mesh', 'gateway.networking.k8s.io'])
      assert.ok(groups.some(({ name }) => name === group));
  });

  test('create, get, list, merge-patch, server-side apply and delete', async () => {
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'one', labels: { team: 'a' } },
      spec: { selector: { app: 'one' }, ports: [{ port: 80, targetPort: 8080 }] },
    };
    assert.equal((await curl(SERVICES, json('POST', 'application/json', service))).status, 201);
    assertStatus(await curl(SERVICES, json('POST', 'application/json', service)), 409, 'AlreadyExists');

    const got = await curl(`${SERVICES}/one`);
    assert.equal((got.body['metadata'] as { name: string }).name, 'one');
    const list = await curl(`${SERVICES}?labelSelector=team%3Da`);
    assert.equal(list.body['kind'], 'ServiceList');
    assert.equal((list.body['items'] as unknown[]).length, 1);
    assert.equal(((await curl(`${SERVICES}?labelSelector=team%3Db`)).body['items'] as unknown[]).length, 0);

    const patch = json('PATCH', 'application/merge-patch+json', { metadata: { labels: { team: 'b' } } });
    const patched = await curl(`${SERVICES}/one`, patch);
    assert.deepEqual((patched.body['metadata'] as { labels: unknown }).labels, { team: 'b' });

    const applied = { ...service, metadata: { name: 'two' } };
    const apply = json('PATCH', 'application/apply-patch+yaml', applied);
    assert.equal((await curl(`${SERVICES}/two?fieldManager=curl`, apply)).status, 201);
    assert.equal((await curl(`${SERVICES}/two?fieldManager=curl`, apply)).status, 200);
    assertStatus(await curl(`${SERVICES}/two`, apply), 400, 'BadRequest');
    const rival = json('PATCH', 'application/apply-patch+yaml', {
      ...applied,
      spec: { ...applied.spec, selector: { app: 'other' } },
    });
    assertStatus(await curl(`${SERVICES}/two?fieldManager=rival`, rival), 409, 'Conflict');

    assert.equal((await curl(`${SERVICES}/two`, ['-X', 'DELETE'])).status, 200);
    assertStatus(await curl(`${SERVICES}/two`), 404, 'NotFound');
  });

  test('a watch from the version of a list gives what came after it, once and in order', async () => {
    const list = await curl(SERVICES);
    const version = (list.body['metadata'] as { resourceVersion: string }).resourceVersion;
    const watch = start(
      `${SERVICES}?watch=true&resourceVersion=${version}&timeoutSeconds=20`,
      ['-m', '25'],
      ['-H', `@${credentials}`],
    );
    const make = (name: string) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: { ports: [{ port: 80 }] },
    });
    await curl(SERVICES, json('POST', 'application/json', make('seen')));
    await curl(`${SERVICES}/seen`, json('PATCH', 'application/merge-patch+json', { metadata: { labels: { a: 'b' } } }));
    await curl(`${SERVICES}/seen`, ['-X', 'DELETE']);
    await watch.said(/"type":"DELETED"/, 10_000);
    const events = watch.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; object: { metadata: { name: string } } });
    assert.deepEqual(
      events.filter(({ object }) => object.metadata.name === 'seen').map(({ type }) => type),
      ['ADDED', 'MODIFIED', 'DELETED'],
    );
    await watch.stop();
  });

  test('an object that is not valid is refused with every violation, by field', async () => {
    const route = {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name: 'bad' },
      spec: {
        parentRefs: [{ kind: 'Service', name: 'one' }],
        rules: [{ backendRefs: [{ name: 'one', port: 70_000 }] }],
      },
    };
    const answer = await curl(ROUTES, json('POST', 'application/json', route));
    assertStatus(answer, 422, 'Invalid');
    const causes = (answer.body['details'] as { causes: { field: string }[] }).causes.map(({ field }) => field);
    assert.ok(
      causes.some((field) => field.includes('parentRefs')),
      causes.join(),
    );
    assert.ok(
      causes.some((field) => field.includes('port')),
      causes.join(),
    );
  });

  test('who is not known gets 401, who may not 403, and what does not exist 404: Status objects all', async () => {
    assertStatus(await curl(SERVICES, [], []), 401, 'Unauthorized');
    assertStatus(await curl(SERVICES, [], ['-H', 'Authorization: Bearer wrong']), 401, 'Unauthorized');
    assertStatus(await curl('/api/v1/namespaces/default/pods'), 404, 'NotFound');
    assertStatus(
      await curl(SERVICES, ['-X', 'POST', '-H', 'Content-Type: application/json', '-d', 'not json']),
      400,
      'BadRequest',
    );

    const { certificate, key } = await workloadCredentials(mesh);
    const asWorkload = ['--cert', certificate, '--key', key];
    assert.equal((await curl(SERVICES, [], asWorkload)).status, 200, 'a workload may read');
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'stolen' },
      spec: { ports: [{ port: 80 }] },
    };
    assertStatus(await curl(SERVICES, json('POST', 'application/json', service), asWorkload), 403, 'Forbidden');
    const others = '/apis/weft.mesh/v1/namespaces/default/workloads/somebody-else';
    assertStatus(await curl(others, ['-X', 'DELETE'], asWorkload), 403, 'Forbidden');
    assertStatus(
      await curl(
        '/apis/identity.weft.mesh/v1/tokens',
        json('POST', 'application/json', { namespace: 'default' }),
        asWorkload,
      ),
      403,
      'Forbidden',
    );
  });

  test('metrics and the status of xDS clients are the administrator’s', async () => {
    for (const path of ['/metrics', '/apis/weft.mesh/v1/clientstatus']) {
      assertStatus(await curl(path, [], []), 401, 'Unauthorized');
      const words = ['-m', '15', '-w', '\n%{http_code} %{content_type}'];
      const { stdout } = await start(path, words, ['-H', `@${credentials}`]).finished();
      if (path !== '/metrics') assert.match(stdout, /\n200 application\/x-protobuf$/);
      else assert.match(stdout, /^weft_xds_proxies \d+$[^]*\n200 text\/plain; version=0\.0\.4/m);
    }
    assertStatus(await curl('/apis/weft.mesh/v1/clientstatus?node=shop/nobody'), 404, 'NotFound');
  });

  test('the connection is hung up on nobody for what he asks: a body too large is refused in words', async () => {
    const huge = join(mesh.directory, 'huge.json');
    writeFileSync(huge, `{"metadata":{"name":"${'x'.repeat(20_000_000)}"}}`);
    const answer = await curl(SERVICES, [
      '-X',
      'POST',
      '-H',
      'Content-Type: application/json',
      '-H',
      'Expect:',
      '--data-binary',
      `@${huge}`,
    ]);
    assert.equal(answer.status, 413);
  });
});

/** The SVID that a workload keeps on disk, as curl wants it. */
async function workloadCredentials(mesh: LiveMesh): Promise<{ certificate: string; key: string }> {
  const shell = await mesh.shell({ service: 'reader', uses: [] });
  const path = join(mesh.stateDir, 'workloads/default/reader/svid.json');
  const kept = JSON.parse(await withLimit(shell.output(`cat '${path}'`), 10_000, () => 'no SVID')) as unknown;
  const texts = pemTexts(kept);
  const certificate = join(mesh.directory, 'workload.crt');
  const key = join(mesh.directory, 'workload.key');
  writeFileSync(certificate, texts.find((text) => text.includes('BEGIN CERTIFICATE')) ?? '');
  writeFileSync(key, texts.find((text) => text.includes('PRIVATE KEY')) ?? '', { mode: 0o600 });
  return { certificate, key };
}

function pemTexts(value: unknown): string[] {
  if (typeof value === 'string') return value.includes('-----BEGIN') ? [value] : [];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(pemTexts) : [];
}
