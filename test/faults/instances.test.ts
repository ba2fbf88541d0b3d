/** Instances that go, suddenly or in order, while their service is being called: callers must not notice. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { LiveMesh } from '../support/live-mesh.ts';
import { failureText, Load, summary } from './load.ts';
import { loadOn, type Member, startClient, startInstance } from './shop.ts';

/** From the end of a connection until the sidecar has read it, on a machine that is busy with other tests. */
const NOTICED_MS = 250;

describe('instances of a service under load', () => {
  const mesh = new LiveMesh();
  let client: Member;
  let instances: Member[] = [];

  before(async () => {
    await mesh.start();
    instances = await Promise.all(['catalog-1', 'catalog-2', 'catalog-3'].map((name) => startInstance(mesh, name)));
    client = await startClient(mesh, ['catalog']);
  });
  after(() => mesh.close());

  test('a roll-out, each instance ended by SIGTERM once its successor is ready: nothing fails', async (t) => {
    const gets = new Load({ ...loadOn(client), perSecond: 400 });
    const posts = new Load({ ...loadOn(client), perSecond: 100, method: 'POST', path: '/?delay=50' });
    const successors: Member[] = [];
    for (const [index, old] of instances.entries()) {
      successors.push(await startInstance(mesh, `catalog-${index + 4}`));
      old.child.signal('SIGTERM');
      const { code } = await old.child.finished();
      assert.equal(code, 143, 'the application does nothing about SIGTERM but die of it');
    }
    instances = successors;
    gets.resetInstances();
    await sleep(1_000);
    const [got, posted] = [await gets.stop(), await posts.stop()];
    t.diagnostic(`GET: ${summary(got)}; POST: ${summary(posted)}`);
    assert.equal(failureText(got), '');
    assert.equal(failureText(posted), '');
    assert.deepEqual([...got.instances.keys()].toSorted(), ['catalog-4', 'catalog-5', 'catalog-6']);
  });

  test('one of three killed with its sidecar: no GET fails, and of the POSTs only those in flight there', async (t) => {
    const gets = new Load({ ...loadOn(client), perSecond: 400 });
    const posts = new Load({ ...loadOn(client), perSecond: 100, method: 'POST', path: '/?delay=20' });
    await sleep(2_000);
    const [victim] = instances;
    assert.ok(victim);
    const killedAtMs = posts.elapsedMs;
    await victim.kill();
    await sleep(4_000);
    const [got, posted] = [await gets.stop(), await posts.stop()];
    t.diagnostic(`GET: ${summary(got)}; POST: ${summary(posted)}`);
    assert.equal(failureText(got), '');
    // 100 a second, 20 ms each, a third of them there: about one was in flight.
    assert.ok(posted.failures.length <= 10, failureText(posted));
    for (const { atMs, tookMs, reason } of posted.failures) {
      assert.ok(
        atMs <= killedAtMs + NOTICED_MS && atMs + tookMs >= killedAtMs,
        `${atMs} ms, killed at ${killedAtMs} ms: ${reason}`,
      );
    }
  });
});
