import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SERVICES, service, TestMesh } from '../test-mesh.fixture.ts';

let mesh: TestMesh;
before(async () => {
  mesh = await TestMesh.start();
});
after(() => mesh.close());

interface Event {
  readonly type: string;
  readonly object: {
    readonly metadata: { readonly name: string; readonly resourceVersion: string };
    readonly code?: number;
    readonly kind: string;
  };
}

/** Reads `count` events, or to the end. */
async function events(query: string, count: number): Promise<{ status: number; events: Event[] }> {
  const { status, lines, close } = await mesh.open('GET', `${SERVICES}?watch=1&${query}`);
  const found: Event[] = [];
  let rest = '';
  for await (const chunk of lines) {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) found.push(JSON.parse(line) as Event);
    if (found.length >= count) break;
  }
  close();
  if (found.length === 0 && rest !== '') return { status, events: [JSON.parse(rest) as Event] };
  return { status, events: found };
}

const named = (found: readonly Event[]) => found.map(({ type, object }) => `${type} ${object.metadata.name}`);

test('a watch begins with the present state and follows; a resumed one misses and repeats nothing', async () => {
  await mesh.call('POST', SERVICES, { body: service('w-a') });
  const following = events('labelSelector=', 4);
  await mesh.call('POST', SERVICES, { body: service('w-b') });
  await mesh.call('PATCH', `${SERVICES}/w-a`, {
    type: 'application/merge-patch+json',
    body: { metadata: { labels: { x: 'y' } } },
  });
  await mesh.call('DELETE', `${SERVICES}/w-a`);
  const seen = (await following).events;
  assert.deepEqual(named(seen), ['ADDED w-a', 'ADDED w-b', 'MODIFIED w-a', 'DELETED w-a']);
  const revisions = seen.map(({ object }) => Number(object.metadata.resourceVersion));
  assert.deepEqual(
    revisions,
    revisions.toSorted((a, b) => a - b),
  );
  const resumed = await events(`resourceVersion=${revisions[1]}`, 2);
  assert.deepEqual(resumed.events, seen.slice(2));
});

test('an object that leaves the selector is deleted to the watcher, one that enters is added', async () => {
  const { body } = await mesh.call('GET', SERVICES);
  const following = events(`resourceVersion=${body.metadata.resourceVersion}&labelSelector=in%3Dyes`, 2);
  await mesh.call('POST', SERVICES, { body: service('w-c') });
  for (const value of ['yes', 'no']) {
    await mesh.call('PATCH', `${SERVICES}/w-c`, {
      type: 'application/merge-patch+json',
      body: { metadata: { labels: { in: value } } },
    });
  }
  assert.deepEqual(named((await following).events), ['ADDED w-c', 'DELETED w-c']);
});

test('a revision that was compacted away is 410 Expired', async () => {
  await mesh.store.compact('3');
  const { status, events: found } = await events('resourceVersion=1', 1);
  assert.equal(status, 410);
  assert.deepEqual([found[0]?.object, (found[0] as unknown as { reason: string }).reason], [undefined, 'Expired']);
});

test('timeoutSeconds ends a watch in order, with a bookmark at the revision that was reached', async () => {
  const { body } = await mesh.call('GET', SERVICES);
  const version = body.metadata.resourceVersion;
  const { events: found } = await events(`resourceVersion=${version}&timeoutSeconds=1&allowWatchBookmarks=true`, 9);
  assert.deepEqual(
    found.map(({ type, object }) => [type, object.kind, object.metadata.resourceVersion]),
    [['BOOKMARK', 'Service', version]],
  );
});

test('sendInitialEvents marks the end of the present state', async () => {
  await mesh.call('POST', SERVICES, { body: service('w-d') });
  const query = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
  const { body } = await mesh.call('GET', SERVICES);
  const { events: found } = await events(query, body.items.length + 1);
  const last = found.at(-1) as unknown as { type: string; object: { metadata: { annotations: object } } };
  assert.equal(last.type, 'BOOKMARK');
  assert.deepEqual(last.object.metadata.annotations, { 'k8s.io/initial-events-end': 'true' });
});

test('a watcher that falls behind the history is told so with an ERROR event of code 410', async () => {
  const small = await TestMesh.start();
  const { body } = await small.call('GET', SERVICES);
  const { lines } = await small.open('GET', `${SERVICES}?watch=1&resourceVersion=${body.metadata.resourceVersion}`);
  const filler = 'x'.repeat(100_000);
  // Nobody reads: the socket's buffers fill, and the history moves on past the watcher.
  for (let n = 0; n < 300; n += 1) {
    const value = { ...service('big', { annotations: { filler, n: String(n) } }) };
    const key = { kind: 'Service', namespace: 'default', name: 'big' };
    await small.store.commit(
      [{ key, value: { ...value, metadata: { ...key, ...(value['metadata'] as object) } } as never }],
      [],
    );
  }
  let last = '';
  for await (const chunk of lines) last = (last + chunk).slice(-5000);
  const event = JSON.parse(last.trimEnd().split('\n').at(-1) ?? '') as Event;
  assert.deepEqual([event.type, event.object.code], ['ERROR', 410]);
  await small.close();
});

test('the number of open watches is bounded', async () => {
  const small = await TestMesh.start({ bounds: { maxWatches: 1 } });
  const first = await small.open('GET', `${SERVICES}?watch=1`);
  const second = await small.call('GET', `${SERVICES}?watch=1`);
  assert.deepEqual([first.status, second.status, second.body.reason], [200, 429, 'TooManyRequests']);
  first.close();
  await small.close();
});
