/** Without a control plane a workload serves for as long as its certificate is valid, restarted or not, and no longer. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../support/child.ts';
import { LiveMesh } from '../support/live-mesh.ts';
import { loadOn, type Member, runClient, startClient, startInstance } from './shop.ts';

const SVID_MS = 60_000;

async function ask(client: Member): Promise<{ status: number; flag: string; text: string }> {
  const { host, port, authority } = loadOn(client);
  const response = await fetch(`http://${host}:${port}/`, { headers: { host: authority } });
  return { status: response.status, flag: response.headers.get('x-weft-flag') ?? '', text: await response.text() };
}

describe('the control plane gone for longer than an SVID lives', () => {
  const mesh = new LiveMesh();
  let instance: Member;
  let client: Member;
  let goneAt = 0;

  before(async () => {
    await mesh.start('--svid-ttl', '1m');
    instance = await startInstance(mesh, 'catalog-1');
    client = await startClient(mesh, ['catalog']);
    // A burst of changes is written as one.
    const kept = join(mesh.stateDir, 'workloads/default/client/snapshot.bin');
    await until('the configuration is on disk', 5_000, () => existsSync(kept));
    mesh.controlPlane.signal('SIGKILL');
    goneAt = performance.now();
  });
  after(() => mesh.close());

  test('a sidecar that restarts meanwhile serves from what it kept on disk, at the same addresses', async () => {
    assert.equal((await ask(client)).status, 200);
    await client.kill();
    const again = await runClient(mesh, ['catalog']);
    assert.deepEqual(await ask(client), { status: 200, flag: '', text: 'catalog-1\n' });
    assert.match(again.stderr, /the control plane is away: starting from what is on disk/);
  });

  test('once the SVID has expired, requests are refused with a message that says so', async () => {
    const before = performance.now() - goneAt;
    assert.ok(before < SVID_MS, 'the SVID is still valid');
    // The instance's ends a little earlier: then it is the instance that refuses, on a connection that is there, or as one
    // is made: to whom it can no longer prove who it is, it says nothing.
    const refused = /identity spiffe:\/\/weft\.local\/ns\/default\/sa\/(catalog|client) expired at \d{4}-/;
    const cutOff = /cannot connect to catalog\.default at [\d.:]+: tls: peer closed during the handshake/;
    const refusers = new Set<string>();
    await until('both SVIDs have expired', SVID_MS + 15_000, async () => {
      const { status, flag, text } = await ask(client);
      if (status === 200) {
        assert.equal(refusers.size, 0, 'what has expired stays so');
        return false;
      }
      assert.equal(status, 503);
      if (cutOff.test(text)) return false;
      assert.equal(flag, 'SE', text);
      assert.match(text, refused);
      refusers.add(refused.exec(text)?.[1] ?? '');
      return refusers.has('client');
    });
    await sleep(1_000);
    assert.equal((await ask(client)).status, 503);
    assert.match(instance.child.stderr, /the SVID has expired and cannot be renewed: traffic fails closed/);
  });

  test('when the control plane is back, the workloads enrol anew and serve', async () => {
    await mesh.startControlPlane('--svid-ttl', '1m');
    await until('requests are answered again', 20_000, async () => (await ask(client)).status === 200);
  });
});
