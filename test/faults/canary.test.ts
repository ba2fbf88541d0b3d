/** Routes that change while requests flow, and the bounds that a route puts on time and retries. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../support/child.ts';
import { LiveMesh } from '../support/live-mesh.ts';
import { failureText, Load, summary } from './load.ts';
import { apply, loadOn, type Member, startClient, startInstance } from './shop.ts';

function canary(v1: number, v2: number): object {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: 'catalog', namespace: 'default' },
    spec: {
      parentRefs: [{ group: '', kind: 'Service', name: 'catalog' }],
      rules: [
        {
          matches: [{ path: { type: 'PathPrefix', value: '/slow' } }],
          timeouts: { request: '1s' },
          backendRefs: [{ name: 'catalog-v1', port: 80 }],
        },
        {
          matches: [{ path: { type: 'PathPrefix', value: '/impatient' } }],
          timeouts: { request: '2s', backendRequest: '200ms' },
          backendRefs: [{ name: 'catalog-v1', port: 80 }],
        },
        {
          backendRefs: [
            { name: 'catalog-v1', port: 80, weight: v1 },
            { name: 'catalog-v2', port: 80, weight: v2 },
          ],
        },
      ],
    },
  };
}

describe('a canary', () => {
  const mesh = new LiveMesh();
  let client: Member;
  let instances: Member[] = [];

  before(async () => {
    await mesh.start();
    instances = await Promise.all(
      ['v1', 'v2'].map((version) => startInstance(mesh, `catalog-${version}`, { flags: ['--version', version] })),
    );
    await apply(mesh, canary(90, 10));
    client = await startClient(mesh, ['catalog', 'catalog-v1', 'catalog-v2']);
  });
  after(() => mesh.close());

  test('its weights change live: nothing fails, and the split follows', async (t) => {
    const load = new Load(loadOn(client));
    const shares: number[] = [];
    for (const [v1, v2] of [
      [90, 10],
      [50, 50],
      [0, 100],
      [90, 10],
    ] as const) {
      await apply(mesh, canary(v1, v2));
      await sleep(1_000);
      load.resetInstances();
      await sleep(2_000);
      const to1 = load.instances.get('catalog-v1') ?? 0;
      const to2 = load.instances.get('catalog-v2') ?? 0;
      shares.push((100 * to2) / (to1 + to2));
    }
    const report = await load.stop();
    t.diagnostic(`${summary(report)}; to v2: ${shares.map((share) => share.toFixed(1)).join(', ')} %`);
    assert.equal(failureText(report), '');
    // Of 1,000 requests the standard deviation is 1.6 percent points at most.
    for (const [index, expected] of [10, 50, 100, 10].entries()) {
      const share = shares[index] ?? 0;
      assert.ok(Math.abs(share - expected) <= 7, `${share.toFixed(1)} % instead of ${expected} %`);
    }
  });

  const ask = async (path: string, method = 'GET') => {
    const { host, port, authority } = loadOn(client);
    const startedAt = performance.now();
    const response = await fetch(`http://${host}:${port}${path}`, { method, headers: { host: authority } });
    const text = await response.text();
    const flag = response.headers.get('x-weft-flag');
    return { status: response.status, flag, text, tookMs: performance.now() - startedAt };
  };

  test('a route ends a request at its timeout, and says which', async () => {
    const { status, flag, text, tookMs } = await ask('/slow?delay=5000');
    assert.equal(status, 504);
    assert.equal(flag, 'UT');
    assert.match(text, /request timeout of 1000 ms/);
    assert.ok(tookMs >= 990 && tookMs < 4_000, `${tookMs} ms`);
    assert.equal((await ask('/slow?delay=10')).status, 200);
  });

  test('a try ends at its own timeout, and only an idempotent request is tried again', async () => {
    const v1 = instances[0];
    assert.ok(v1);
    const triesOf = async (method: string) => {
      const { requests } = await inboundOf(v1);
      const { status, tookMs } = await ask('/impatient?delay=5000', method);
      assert.equal(status, 504, method);
      await until('the tries are counted', 3_000, async () => (await inboundOf(v1)).requests > requests);
      await sleep(300);
      return { tries: (await inboundOf(v1)).requests - requests, tookMs };
    };
    const got = await triesOf('GET');
    assert.equal(got.tries, 3);
    assert.ok(got.tookMs >= 590 && got.tookMs < 2_500, `${got.tookMs} ms`);
    const posted = await triesOf('POST');
    assert.equal(posted.tries, 1);
    assert.ok(posted.tookMs >= 190 && posted.tookMs < 1_500, `${posted.tookMs} ms`);
  });

  test('an upstream that fails every request gets a fifth more for retries, not three times as much', async (t) => {
    const v2 = instances[1];
    assert.ok(v2);
    const { requests } = await inboundOf(v2);
    const load = new Load({
      ...client.vip('catalog-v2'),
      authority: 'catalog-v2',
      perSecond: 300,
      // 300 in flight, so that it is the share that bounds, not the floor of the budget.
      path: '/?status=503&delay=1000',
    });
    await sleep(4_000);
    const report = await load.stop();
    await sleep(1_000);
    const tries = (await inboundOf(v2)).requests - requests;
    assert.equal(report.answered, 0);
    const factor = tries / report.sent;
    t.diagnostic(`${tries} tries of ${report.sent} requests`);
    assert.ok(factor > 1.02 && factor < 1.35, `${factor.toFixed(2)} tries a request`);
    assert.ok(report.failures.some(({ reason }) => reason.startsWith('503')));
  });
});

async function inboundOf(instance: Member): Promise<{ requests: number }> {
  return { requests: await instance.count('weft_requests_total', { direction: 'inbound' }) };
}
