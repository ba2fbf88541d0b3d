import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Counters } from '../../core/counters.ts';
import { Edge } from './edge.ts';
import { LinePrefixes } from './line-prefixes.ts';

const edge = (destination: string): Edge => new Edge(new Counters(), 'outbound', 'web.shop', destination, true);
const read = (bytes: Uint8Array): unknown => JSON.parse(`{${Buffer.from(bytes).toString('utf8').slice(1)}}`);

test('a prefix says its edge, route and endpoint, and is made once', () => {
  const prefixes = new LinePrefixes();
  const [a, b] = [edge('orders.shop'), edge('über "quoted"')];
  const first = prefixes.of(a, 'route', '10.0.0.1:80');
  assert.deepEqual(read(first), {
    ...{ direction: 'outbound', source: 'web.shop', destination: 'orders.shop', mtls: true },
    ...{ route: 'route', upstream: '10.0.0.1:80' },
  });
  assert.deepEqual(read(prefixes.of(b, '', '')), {
    ...{ direction: 'outbound', source: 'web.shop', destination: 'über "quoted"', mtls: true, upstream: '' },
  });
  assert.equal(prefixes.of(a, 'route', '10.0.0.1:80'), first);
  assert.notEqual(prefixes.of(a, 'route', '10.0.0.2:80'), first);
});

test('so many endpoints that all are forgotten', () => {
  const prefixes = new LinePrefixes();
  const one = edge('orders.shop');
  const first = prefixes.of(one, '', 'first');
  for (let i = 0; i < 5_000; i++) prefixes.of(one, '', `host-${i}`);
  const again = prefixes.of(one, '', 'first');
  assert.notEqual(again, first);
  assert.deepEqual(again, first);
});
