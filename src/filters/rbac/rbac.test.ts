import assert from 'node:assert/strict';
import { test } from 'node:test';
import { get, responseOf, type SimMesh, startMesh } from '../../../test/support/sim-mesh.ts';
import { idOf } from '../../../test/support/proxy-snapshots.ts';
import { rbac } from './rbac.ts';
import { ANY, exact, httpRbac, path, peer, policy, prefix, rules } from './test/policies.ts';

const ALLOW = 0;
const DENY = 1;
const LOG = 2;

function filter(config: Uint8Array) {
  return { name: 'envoy.filters.http.rbac', type: rbac.types[0] ?? '', config, optional: false, disabled: false };
}

async function ask(mesh: SimMesh, ...requests: string[]): Promise<{ status: number; head: string; body: string }[]> {
  const peerEnd = mesh.connect();
  const answers = [];
  for (const request of requests) {
    peerEnd.take(peerEnd.bytes.length);
    peerEnd.send(request);
    await mesh.sim.run(() => responseOf(peerEnd) !== null || peerEnd.closed !== null, 60_000);
    const answer = responseOf(peerEnd);
    assert.ok(answer !== null, `closed: ${peerEnd.closed}`);
    answers.push(answer);
  }
  peerEnd.connection.destroy('');
  return answers;
}

function counted(mesh: SimMesh, labels: Record<string, string>): number {
  return mesh.services[0]?.plane.telemetry.counters.counter('weft_rbac_requests_total', labels).value ?? -1;
}

test('a caller whose SPIFFE id no policy names is refused at the service, and learns nothing but that', async () => {
  const enforced = rules(ALLOW, { 'only-admin': policy([ANY], [peer(exact(idOf('admin')))]) });
  const mesh = await startMesh({ seed: 1, inbound: { filters: [filter(httpRbac(enforced))] } });
  const [answer] = await ask(mesh, get('/'));
  assert.equal(answer?.status, 403);
  assert.match(answer?.head ?? '', /x-weft-flag: UAEX/);
  assert.equal(answer?.body, 'weft: RBAC: access denied (UAEX)\n');
  assert.equal(mesh.services[0]?.accepted, 0, 'the application heard nothing');
  assert.equal(counted(mesh, { rules: 'enforced', verdict: 'denied', policy: '' }), 1);
  await mesh.services[0]?.plane.close();
  const files = mesh.services[0]?.runtime.files;
  const log = Buffer.from((await files?.read('/access.log')) ?? []).toString('utf8');
  assert.match(log, /"detail":"RBAC: denied by none of 1 policies"/);
});

test('requests of one connection are judged each by itself, on rules that were narrowed to their caller once', async () => {
  const enforced = rules(ALLOW, {
    web: policy([path(prefix('/open'))], [peer(exact(idOf('web')))]),
    admin: policy([ANY], [peer(exact(idOf('admin')))]),
  });
  const mesh = await startMesh({ seed: 2, inbound: { filters: [filter(httpRbac(enforced))] } });
  const answers = await ask(mesh, get('/open/1'), get('/closed'), get('/open/2'), get('/open/../closed'));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 403, 200, 403],
  );
});

test('shadow rules and LOG are counted and refuse nobody', async () => {
  const shadow = rules(DENY, { secret: policy([path(prefix('/secret'))]) });
  const mesh = await startMesh({
    seed: 3,
    inbound: { filters: [filter(httpRbac(rules(LOG, { get: policy([path(prefix('/a'))]) }), shadow))] },
  });
  const answers = await ask(mesh, get('/secret'), get('/a'), get('/b'));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200],
  );
  assert.equal(counted(mesh, { rules: 'shadow', verdict: 'denied', policy: 'secret' }), 1);
  assert.equal(counted(mesh, { rules: 'shadow', verdict: 'allowed', policy: '' }), 2);
  assert.equal(counted(mesh, { rules: 'enforced', verdict: 'logged', policy: 'get' }), 1);
  await mesh.services[0]?.plane.close();
  const file = await mesh.services[0]?.runtime.files.read('/access.log');
  const marked = Buffer.from(file ?? [])
    .toString('utf8')
    .split('\n')
    .filter((line) => line.includes('audited by policy get'));
  assert.equal(marked.length, 1);
  assert.match(marked[0] ?? '', /"status":200,"flag":"".*"path":"\/a"/);
});
