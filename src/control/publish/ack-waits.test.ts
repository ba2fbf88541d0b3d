import assert from 'node:assert/strict';
import test from 'node:test';
import { CDS, EDS, fixture, resource } from './publisher.fixture.ts';

test('waitForAck pushes what waits and resolves when every proxy has acknowledged it', async () => {
  const { views, publisher, connect } = fixture();
  const [quick, slow] = [connect('shop/web-1'), connect('shop/web-2')];
  slow.pause();
  for (const id of ['shop/web-1', 'shop/web-2']) views.set(id, 'endpoints', resource(EDS, 'catalog', '2'));
  let confirmed: boolean | null = null;
  const wait = publisher.waitForAck({ type: EDS, name: 'catalog' }, 5000).then((result) => {
    confirmed = result;
  });
  assert.deepEqual([quick.held(), slow.held()], [{ catalog: '2' }, { catalog: '2' }]);
  await Promise.resolve();
  assert.equal(confirmed, null, 'applied is not acknowledged');
  slow.flush();
  await wait;
  assert.equal(confirmed, true);
});

test('waitForAck does not wait for a proxy that went away, nor for names that nobody asked for', async () => {
  const { views, publisher, connect } = fixture();
  const slow = connect();
  slow.pause();
  views.set('shop/web-1', 'endpoints', resource(EDS, 'catalog', '2'));
  assert.equal(await publisher.waitForAck({ type: EDS, name: 'other' }, 5000), true);
  assert.equal(await publisher.waitForAck({ type: CDS }, 5000), true);
  const wait = publisher.waitForAck({ type: EDS }, 5000);
  slow.destroy();
  assert.equal(await wait, true);
});

test('waitForAck is false after its time, and for a proxy that refused the change', async () => {
  const { clock, views, publisher, connect } = fixture();
  const proxy = connect();
  proxy.refuse = [{ name: 'catalog', reason: 'no' }];
  views.set('shop/web-1', 'endpoints', resource(EDS, 'catalog', '2'));
  const wait = publisher.waitForAck({ type: EDS, name: 'catalog' }, 5000);
  clock.advance(5010);
  assert.equal(await wait, false);
});

test('waitForAck takes any condition on the status', async () => {
  const { views, publisher, connect } = fixture();
  const proxy = connect();
  proxy.pause();
  const old = resource(EDS, 'catalog', '1').version;
  const wait = publisher.waitForAck((status) => status.types.every((type) => type.acked.get('catalog') !== old), 5000);
  views.set('shop/web-1', 'endpoints', resource(EDS, 'catalog', '2'));
  publisher.flush();
  proxy.flush();
  assert.equal(await wait, true);
});
