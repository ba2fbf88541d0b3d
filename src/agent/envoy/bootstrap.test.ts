/** The bootstrap says what Envoy must have and holds nothing that is secret. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { envoyBootstrap } from './bootstrap.ts';

const parts = {
  node: { id: 'shop/web-1', cluster: 'web', metadata: { kind: 'envoy' } },
  locality: null,
  socketPath: '/run/weft/xds.sock',
  admin: { host: '127.0.0.1', port: 15000 },
  maxHeapBytes: 1 << 30,
};

test('configuration and identity come from one socket, and nothing serves before the first of it', () => {
  const text = JSON.stringify(envoyBootstrap(parts));
  assert.ok(text.includes('"pipe":{"path":"/run/weft/xds.sock"}'));
  assert.equal(text.match(/"initial_fetch_timeout":"0s"/g)?.length, 2);
  assert.ok(!/PRIVATE|certificate|filename/.test(text));
  assert.ok(text.includes('"node":{"id":"shop/web-1","cluster":"web","metadata":{"kind":"envoy","onDemand":true}}'));
});

test('the locality is said where it is known; memory is bounded where there is a bound', () => {
  const locality = { region: 'eu', zone: 'eu-1', subZone: '' };
  const located = envoyBootstrap({ ...parts, locality });
  assert.deepEqual((located['node'] as Record<string, unknown>)['locality'], {
    region: 'eu',
    zone: 'eu-1',
    sub_zone: '',
  });
  assert.ok(JSON.stringify(located).includes('fixed_heap'));
  assert.ok(!JSON.stringify(envoyBootstrap({ ...parts, maxHeapBytes: 0 })).includes('fixed_heap'));
});
