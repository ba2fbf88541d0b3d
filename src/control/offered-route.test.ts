import assert from 'node:assert/strict';
import test from 'node:test';
import { xdsResource } from '../xds/content-version.ts';
import { TYPE_URLS, type TypeUrl, type XdsResource } from '../xds/resource.ts';
import type { ApiRequest } from './api-server/handler.ts';
import { offeredRoute } from './offered-route.ts';
import { fixture, resource } from './publish/publisher.fixture.ts';

const { cluster: CDS, endpoints: EDS } = TYPE_URLS;

interface Page {
  readonly connected: boolean;
  readonly resources: readonly {
    readonly name: string;
    readonly version: string | null;
    readonly wanted: boolean;
    readonly acknowledged: string | null;
    readonly base64: string | null;
  }[];
  readonly continue: string;
}

function ask(
  views: Parameters<typeof offeredRoute>[0]['views'],
  publisher: Parameters<typeof offeredRoute>[0]['publisher'],
) {
  const { handle } = offeredRoute({ views, publisher });
  return async (name: string, query: Record<string, string> = {}): Promise<Page> => {
    const params = { namespace: 'shop', name };
    const answer = await handle({ params, query: new URLSearchParams(query) } as unknown as ApiRequest);
    return answer.body as Page;
  };
}

test('what a proxy is offered, whether it asked for it, and what it acknowledged', async () => {
  const { views, publisher, connect } = fixture();
  const [held, other] = [resource(EDS, 'catalog', '2'), resource(EDS, 'other', '1')];
  views.set('shop/web-1', 'endpoints', held, other);
  connect();
  const { connected, resources } = await ask(views, publisher)('web-1');
  assert.equal(connected, true);
  assert.deepEqual(
    resources.map(({ name, wanted, acknowledged }) => [name, wanted, acknowledged]),
    [
      ['catalog', true, held.version],
      ['other', false, null],
    ],
  );
  assert.equal(Buffer.from(resources[0]?.base64 ?? '', 'base64').toString(), '2');
});

test('a change that waits to be pushed is offered already; what is gone stays while the proxy has it', async () => {
  const { views, publisher, connect } = fixture();
  connect();
  views.set('shop/web-1', 'endpoints', resource(EDS, 'new', '1'));
  const { resources } = await ask(views, publisher)('web-1');
  assert.deepEqual(
    resources.map(({ name, version }) => [name, version !== null]),
    [
      ['catalog', false],
      ['new', true],
    ],
  );
});

test('the view of a proxy that is not connected is shown and not kept; without a workload there is none', async () => {
  const { views, publisher } = fixture();
  const { connected, resources } = await ask(views, publisher)('web-2');
  assert.deepEqual([connected, resources[0]?.name, resources[0]?.wanted], [false, 'catalog', false]);
  assert.deepEqual(views.released, ['shop/web-2']);
  views.resources.set('shop/nobody', new Map());
  await assert.rejects(ask(views, publisher)('nobody'), /there is no workload "nobody"/);
});

test('pages are bounded by bytes and follow each other without a gap, by type too', async () => {
  const { views, publisher } = fixture();
  const big = (type: TypeUrl, name: string): XdsResource => xdsResource(type, name, new Uint8Array(900_000));
  const names = ['a', 'b', 'c', 'd', 'e'];
  views.set('shop/web-2', 'endpoints', ...names.flatMap((name) => [big(EDS, name), resource(CDS, `${name}/x`, '')]));
  const get = ask(views, publisher);
  const seen: string[] = [];
  let pages = 0;
  for (let from = ''; ; pages++) {
    const page = await get('web-2', from === '' ? {} : { continue: from });
    seen.push(...page.resources.map(({ name }) => name));
    from = page.continue;
    if (from === '') break;
  }
  assert.deepEqual(seen, [...names.map((name) => `${name}/x`), ...names]);
  assert.equal(pages, 2);
  assert.equal((await get('web-2', { type: 'Cluster' })).resources.length, 5);
  await assert.rejects(get('web-2', { type: 'Nothing' }), /there is no type "Nothing"/);
});

test('a secret that may hold a key is named and not shown', async () => {
  const { views, publisher } = fixture();
  const key = new Uint8Array([0x0a, 1, 0x6b, 0x12, 0]);
  views.set('shop/web-2', 'configuration', xdsResource(TYPE_URLS.secret, 'k', key));
  const { resources } = await ask(views, publisher)('web-2');
  assert.deepEqual([resources[0]?.name, resources[0]?.base64], ['k', null]);
});
