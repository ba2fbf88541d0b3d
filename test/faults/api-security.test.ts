/** What the control plane refuses: strangers, workloads that overreach, tokens that are not good, a directory that is not its own. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createHttpsTransport, type Credential } from '../../src/client/https-transport.ts';
import { writeCsr } from '../../src/identity/csr.ts';
import { processKeyMaker } from '../../src/identity/key-maker.ts';
import type { Svid } from '../../src/identity/svid.ts';
import { LiveMesh } from '../support/live-mesh.ts';
import { type Member, startInstance } from './shop.ts';

const WORKLOADS = '/apis/weft.mesh/v1/namespaces/default/workloads';
const IDENTITY = '/apis/identity.weft.mesh/v1';

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly text: string;
}

describe('the API', () => {
  const mesh = new LiveMesh();
  const other = new LiveMesh();
  const secrets: string[] = [];
  let catalog: Member;
  let stock: Member;

  before(async () => {
    await Promise.all([mesh.start('--verbose'), other.start()]);
    [catalog, stock] = await Promise.all([
      startInstance(mesh, 'catalog-1', { flags: ['--verbose'] }),
      startInstance(mesh, 'stock-1', { service: 'stock', flags: ['--verbose'] }),
    ]);
  });
  after(() => Promise.all([mesh.close(), other.close()]));

  /** `bearer` null: with the credential alone. */
  async function callApi(
    method: string,
    path: string,
    options: { credential?: Credential; bearer?: string; body?: unknown; type?: string; of?: LiveMesh } = {},
  ): Promise<Answer> {
    const { credential = { kind: 'none' }, bearer, body, type = 'application/json', of = mesh } = options;
    const { server, caPem } = of.admin;
    const transport = createHttpsTransport({ server, caPem, credential: () => credential });
    try {
      const { status, body: text } = await transport.request({
        method,
        path,
        headers: { 'content-type': type, ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }) },
        body: body === undefined ? null : JSON.stringify(body),
        timeoutMs: 10_000,
      });
      return { status, body: JSON.parse(text) as Answer['body'], text };
    } finally {
      transport.close();
    }
  }

  const svidOf = (name: string): Credential => {
    const path = join(mesh.stateDir, 'workloads/default', name, 'svid.json');
    const { svid } = JSON.parse(readFileSync(path, 'utf8')) as { svid: Svid };
    secrets.push(keyText(svid.privateKeyPem));
    return { kind: 'certificate', ...svid };
  };
  const admin = (): Credential => ({ kind: 'token', token: mesh.admin.token });

  test('nobody gets in without a credential, or with one that is not good', async () => {
    for (const path of [WORKLOADS, '/api/v1/services', `${IDENTITY}/tokens`]) {
      assert.equal((await callApi('GET', path)).status, 401, path);
      assert.equal((await callApi('GET', path, { bearer: 'x'.repeat(43) })).status, 401, path);
      assert.equal((await callApi('GET', path, { bearer: other.admin.token })).status, 401, path);
    }
  });

  test('a workload reads the mesh and writes nothing but its own record, as what its token allowed', async () => {
    const credential = svidOf('catalog-1');
    const type = 'application/merge-patch+json';
    const route = {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name: 'r', namespace: 'default' },
      spec: { parentRefs: [{ group: '', kind: 'Service', name: 'stock' }], rules: [] },
    };
    const service = (name: string, app: string) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'default' },
      spec: { selector: { app }, ports: [{ port: 80 }] },
    });
    const policy = {
      apiVersion: 'weft.mesh/v1',
      kind: 'PeerAuthentication',
      metadata: { name: 'p', namespace: 'default' },
      spec: { mtls: { mode: 'disabled' } },
    };
    const cases: readonly [number, string, string, unknown][] = [
      [200, 'GET', WORKLOADS, undefined],
      [200, 'GET', '/api/v1/namespaces/default/services', undefined],
      [200, 'PATCH', `${WORKLOADS}/catalog-1`, { metadata: { labels: { team: 'books' } } }],
      [422, 'PATCH', `${WORKLOADS}/catalog-1`, { spec: { service: 'stock' } }],
      [403, 'PATCH', `${WORKLOADS}/catalog-1`, { metadata: { labels: { app: 'stock' } } }],
      [422, 'PATCH', `${WORKLOADS}/catalog-1`, { spec: { account: 'stock' } }],
      [403, 'PATCH', `${WORKLOADS}/catalog-1/status`, { status: { ready: false } }],
      [403, 'PATCH', `${WORKLOADS}/stock-1`, { metadata: { labels: { team: 'books' } } }],
      [403, 'DELETE', `${WORKLOADS}/stock-1`, undefined],
      [403, 'DELETE', WORKLOADS, undefined],
      [403, 'POST', WORKLOADS, { ...catalog.record, metadata: { name: 'catalog-9', namespace: 'default' } }],
      [403, 'POST', `${WORKLOADS}/stock-1/lease`, { ready: false }],
      [403, 'POST', '/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes', route],
      [403, 'POST', '/apis/weft.mesh/v1/namespaces/default/peerauthentications', policy],
      [403, 'POST', '/api/v1/namespaces/default/services', service('stock-2', 'stock')],
      [403, 'POST', '/api/v1/namespaces/default/services', service('payments', 'catalog')],
      [403, 'PATCH', '/api/v1/namespaces/default/services/stock', { spec: { selector: { app: 'catalog' } } }],
      [403, 'DELETE', '/api/v1/namespaces/default/services/stock', undefined],
      [403, 'POST', `${IDENTITY}/tokens`, { namespace: 'default', service: 'stock' }],
      [403, 'GET', `${IDENTITY}/tokens`, undefined],
      [403, 'DELETE', `${IDENTITY}/enrollments/default/stock-1`, undefined],
    ];
    for (const [expected, method, path, body] of cases) {
      const { status, text } = await callApi(method, path, {
        credential,
        body,
        ...(method === 'PATCH' ? { type } : {}),
      });
      assert.equal(status, expected, `${method} ${path} ${JSON.stringify(body)}: ${text}`);
    }
    const record = await mesh.workload('stock-1');
    assert.equal(record?.status?.ready, true, 'nobody else made it unready');
    assert.deepEqual(record?.spec, stock.record.spec);
  });

  const createToken = async (body: object, of = mesh): Promise<string> => {
    const credential: Credential = { kind: 'token', token: of.admin.token };
    const { status, body: created } = await callApi('POST', `${IDENTITY}/tokens`, { credential, body, of });
    assert.equal(status, 201);
    const token = String(created['token']);
    secrets.push(token, token.slice(token.indexOf('.') + 1));
    return token;
  };
  const enrol = async (bearer: string | undefined, claim: Readonly<Record<string, string>> = {}) => {
    const key = processKeyMaker.make();
    secrets.push(keyText(key.privateKeyPem));
    const asked = { namespace: 'default', workload: 'catalog-7', service: 'catalog', account: 'catalog', ...claim };
    const uri = `spiffe://weft.local/ns/${asked.namespace}/sa/${asked.account}`;
    const csr = writeCsr(key, { commonName: `${asked.namespace}/${asked.workload}`, uri });
    const body = { ...asked, csr };
    const answer = await callApi('POST', `${IDENTITY}/enrollments`, {
      ...(bearer === undefined ? {} : { bearer }),
      body,
    });
    return { ...answer, key };
  };

  test('a token admits once, in its time, to its mesh, as what it says; each refusal is clear and logged', async () => {
    const catalogToken = { namespace: 'default', service: 'catalog', ttlSeconds: 60 };
    const expired = await createToken({ ...catalogToken, ttlSeconds: 1 });
    const used = await createToken(catalogToken);
    assert.equal((await enrol(used)).status, 201, 'the first time');
    const foreign = await createToken(catalogToken, other);
    const good = await createToken({ ...catalogToken, uses: 0 });
    const tampered = `${good.slice(0, -4)}${good.endsWith('AAAA') ? 'BBBB' : 'AAAA'}`;
    await sleep(1_100);
    const cases: readonly [string, number, RegExp, string | undefined, Readonly<Record<string, string>>][] = [
      ['used', 401, /has been used/, used, {}],
      ['expired', 401, /has expired/, expired, {}],
      ['foreign', 401, /not known to this control plane/, foreign, {}],
      ['with another secret', 401, /not known to this control plane/, tampered, {}],
      ['malformed', 401, /not a join token/, 'weft-join-nonsense', {}],
      ['absent', 401, /token/, undefined, {}],
      ['an administrator’s', 401, /not a join token/, mesh.admin.token, {}],
      ['of another service', 403, /for another service/, good, { service: 'stock', account: 'stock' }],
      ['of another account', 403, /does not allow this account/, good, { account: 'stock' }],
      ['of another namespace', 403, /for another namespace/, good, { namespace: 'bank' }],
      [
        'for the control plane itself',
        403,
        /weft-system/,
        good,
        { namespace: 'weft-system', account: 'control-plane' },
      ],
    ];
    for (const [name, expected, why, token, claim] of cases) {
      const log = mesh.controlPlane.stderr.length;
      const { status, text } = await enrol(token, { workload: 'catalog-8', ...claim });
      assert.equal(status, expected, `${name}: ${text}`);
      assert.match(text, why, name);
      assert.doesNotMatch(text, /BEGIN CERTIFICATE/, name);
      await sleep(50);
      assert.match(mesh.controlPlane.stderr.slice(log), /refused/, `${name} is logged`);
    }
    assert.equal(await mesh.workload('catalog-8'), null);
  });

  test('who was admitted as one service registers as no other', async () => {
    const token = await createToken({ namespace: 'default', service: 'catalog' });
    const { status, body, text, key } = await enrol(token, { workload: 'catalog-9' });
    assert.equal(status, 201, text);
    const certificateChainPem = String(body['certificateChainPem']);
    const credential: Credential = { kind: 'certificate', certificateChainPem, privateKeyPem: key.privateKeyPem };
    const record = (name: string, app: string, spec: object) => ({
      apiVersion: 'weft.mesh/v1',
      kind: 'Workload',
      metadata: { name, namespace: 'default', labels: { app } },
      spec: { service: 'catalog', account: 'catalog', address: '127.0.0.1', ports: [], ...spec },
    });
    const cases: readonly [number, object][] = [
      [403, record('catalog-9', 'stock', {})],
      [403, record('catalog-9', 'catalog', { service: 'stock' })],
      [403, record('catalog-9', 'stock', { service: 'stock' })],
      [403, record('catalog-9', 'catalog', { account: 'stock' })],
      [403, record('stock-9', 'catalog', {})],
      [201, record('catalog-9', 'catalog', {})],
    ];
    for (const [expected, document] of cases) {
      const answer = await callApi('POST', WORKLOADS, { credential, body: document });
      assert.equal(answer.status, expected, `${JSON.stringify(document)}: ${answer.text}`);
    }
  });

  test('an identity that is enrolled is not given to somebody else under its name', async () => {
    const token = await createToken({ namespace: 'default', service: 'catalog', uses: 0 });
    const { status, text } = await enrol(token, { workload: 'stock-1' });
    assert.ok(status === 403 || status === 409, `${status} ${text}`);
  });

  test('a second control plane on the directory is refused, and the first goes on', async () => {
    const { code, stderr } = await mesh.weft(['up', '--listen', '127.0.0.1:0', '--xds-listen', '127.0.0.1:0']);
    assert.equal(code, 6);
    assert.match(stderr, /another control plane runs on this state directory/);
    assert.match(stderr, /--state-dir/);
    assert.equal((await callApi('GET', WORKLOADS, { credential: admin() })).status, 200);
  });

  test('whatever lies in the state directory is for its owner alone', () => {
    const paths = globSync('**', { cwd: mesh.stateDir }).map((path) => join(mesh.stateDir, path));
    assert.ok(paths.some((path) => path.endsWith('admin.json')) && paths.some((path) => path.endsWith('svid.json')));
    for (const path of [mesh.stateDir, ...paths]) assert.equal(statSync(path).mode & 0o077, 0, path);
  });

  test('no secret stands in an argument list or in a log', () => {
    svidOf('stock-1');
    const ca = ['root.key', 'issuing.key'].map((name) =>
      keyText(readFileSync(join(mesh.stateDir, 'ca', name), 'utf8')),
    );
    const all = [...new Set([...secrets, ...ca, mesh.admin.token, other.admin.token])];
    assert.ok(all.length > 10 && all.every((secret) => secret.length > 20));
    const processes = execFileSync('ps', ['-ww', '-ax', '-o', 'args='], { encoding: 'utf8' });
    assert.match(processes, /run --service catalog/);
    const logs = [mesh.controlPlane, catalog.child, stock.child].map((child) => child.stdout + child.stderr);
    assert.match(logs[0] ?? '', /enrolled a workload/);
    for (const [index, secret] of all.entries()) {
      assert.ok(!processes.includes(secret), `secret ${index} in an argument list`);
      for (const log of logs) assert.ok(!log.includes(secret), `secret ${index} in a log`);
    }
    for (const log of logs) assert.doesNotMatch(log, /PRIVATE KEY|weft-join-[^"\s]*\./);
  });
});

describe('a store that cannot be used', () => {
  const mesh = new LiveMesh();
  const store = join(mesh.stateDir, 'store.db');

  before(async () => {
    await mesh.start();
    await mesh.controlPlane.stop();
  });
  after(() => mesh.close());

  const refused = async (): Promise<string> => {
    const before = readFileSync(store);
    const { code, stderr } = await mesh.weft(['up', '--listen', '127.0.0.1:0', '--xds-listen', '127.0.0.1:0']);
    assert.equal(code, 4, stderr);
    assert.deepEqual(readFileSync(store), before, 'it was left as it is');
    return stderr;
  };

  test('because a newer program wrote it, is refused and left as it is', async () => {
    const database = new DatabaseSync(store);
    const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
    database.exec('PRAGMA journal_mode = DELETE; PRAGMA user_version = 99');
    database.close();
    assert.match(await refused(), /schema version 99 and this program knows up to/);
    const again = new DatabaseSync(store);
    again.exec(`PRAGMA user_version = ${version}`);
    again.close();
  });

  test('because it is damaged, is refused and left as it is', async () => {
    const bytes = readFileSync(store);
    bytes.fill(0xa5, 100, bytes.length);
    writeFileSync(store, bytes);
    assert.match(await refused(), /the store is damaged/);
    writeFileSync(store, 'not a database at all, but somebody’s notes');
    assert.match(await refused(), /not a SQLite database/);
  });

  test('with a directory that is open to others, is refused', async () => {
    const directory = join(mesh.directory, 'open');
    mkdirSync(directory, { mode: 0o755 });
    const { code, stderr } = await mesh.weft(['up', '--listen', '127.0.0.1:0', '--state-dir', directory]);
    assert.equal(code, 1);
    assert.match(stderr, /open to others/);
  });
});

/** The part of a PEM that is secret, without its line ends. */
function keyText(pem: string): string {
  return pem.split('\n').slice(1, 3).join('\n').slice(0, 60);
}
