/** The control plane is killed while requests flow, stays away, and comes back: callers must not notice. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../support/child.ts';
import { LiveMesh } from '../support/live-mesh.ts';
import { failureText, Load, summary } from './load.ts';
import { loadOn, type Member, startClient, startInstance } from './shop.ts';

const AWAY_MS = 20_000;
const CONNECTED = /"message":"connected to the control plane"/g;

describe('the control plane killed under load', () => {
  const mesh = new LiveMesh();
  let members: Member[] = [];
  let client: Member;

  before(async () => {
    await mesh.start();
    members = await Promise.all(['catalog-1', 'catalog-2'].map((name) => startInstance(mesh, name)));
    client = await startClient(mesh, ['catalog']);
  });
  after(() => mesh.close());

  test('away for 20 s: nothing fails, every proxy comes back, and the next change is applied', async (t) => {
    const load = new Load(loadOn(client));
    await sleep(1_000);
    const proxies = [...members, client];
    const connections = () => proxies.map(({ child }) => child.stderr.match(CONNECTED)?.length ?? 0);
    assert.deepEqual(connections(), [1, 1, 1]);
    mesh.controlPlane.signal('SIGKILL');
    await sleep(AWAY_MS);
    await mesh.startControlPlane();
    await until('every proxy is connected again', 15_000, () => connections().every((count) => count >= 2));
    members.push(await startInstance(mesh, 'catalog-3'));
    await until('the new instance is called', 10_000, () => load.instances.has('catalog-3'));
    const report = await load.stop();
    t.diagnostic(summary(report));
    assert.equal(failureText(report), '');
    assert.ok(report.sent > (AWAY_MS / 1000) * 500, `${report.sent} sent`);
  });
});
