/** Counting between two looks: differences, merges, quantiles. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrowsOf, difference, type EdgeTotals, edgeTotals, failuresOf, requestsOf } from './edge-totals.ts';
import { quantile } from './quantile.ts';

function edge(parts: Partial<EdgeTotals>): EdgeTotals {
  return {
    direction: 'outbound',
    source: 'web.shop',
    destination: 'catalog.shop',
    mtls: true,
    outcomes: [],
    buckets: [],
    connections: 0,
    bytes: 0,
    ...parts,
  };
}

test('counters and histograms of a proxy become edges; those that carried nothing are left out', () => {
  const labels = { direction: 'outbound', source: 'web.shop', destination: 'catalog.shop', mtls: 'yes' };
  const found = edgeTotals(
    [
      { name: 'weft_requests_total', labels: { ...labels, code: '200', flag: '' }, value: 8 },
      { name: 'weft_requests_total', labels: { ...labels, code: '503', flag: 'UH' }, value: 2 },
      { name: 'weft_tcp_connections_total', labels: { ...labels, destination: 'idle.shop' }, value: 0 },
      { name: 'weft_limit_fired_total', labels: { limit: 'x' }, value: 1 },
    ],
    {
      boundsMs: [1, 2],
      edges: [
        {
          direction: 'outbound',
          source: 'web.shop',
          destination: 'catalog.shop',
          mtls: true,
          requests: 10,
          cumulative: [4, 9],
        },
      ],
    },
  );
  assert.equal(found.length, 1);
  const [first] = found;
  assert.ok(first);
  assert.deepEqual([requestsOf(first), failuresOf(first)], [10, 2]);
  assert.deepEqual(
    first.buckets.map((bucket) => bucket.count),
    [4, 9, 10],
  );
});

test('the difference of two looks is what happened in between; a proxy that started again counts from zero', () => {
  const before = edge({ outcomes: [{ status: 200, flag: '', count: 10 }], connections: 3, bytes: 100 });
  const after = edge({
    outcomes: [
      { status: 200, flag: '', count: 15 },
      { status: 500, flag: '', count: 1 },
    ],
    connections: 5,
    bytes: 150,
  });
  const between = difference(after, before);
  assert.deepEqual([requestsOf(between), failuresOf(between), between.connections, between.bytes], [6, 1, 2, 50]);
  const restarted = edge({ outcomes: [{ status: 200, flag: '', count: 4 }] });
  assert.equal(requestsOf(difference(restarted, before)), 4);
  assert.equal(difference(before, undefined), before);
});

test('an arrow sums both kinds of hop, and only what reached an endpoint counts for mTLS', () => {
  const [arrow, ...others] = arrowsOf([
    edge({ outcomes: [{ status: 200, flag: '', count: 6 }] }),
    edge({
      mtls: false,
      outcomes: [
        { status: 200, flag: '', count: 2 },
        { status: 503, flag: 'UH', count: 5 },
      ],
    }),
  ]);
  assert.equal(others.length, 0);
  assert.ok(arrow);
  assert.deepEqual([requestsOf(arrow), arrow.carried, arrow.secure], [13, 8, 6]);
});

test('a quantile lies in its bucket, in proportion; without records there is none', () => {
  const buckets = [
    { atMostMs: 1, count: 50 },
    { atMostMs: 3, count: 100 },
    { atMostMs: Number.POSITIVE_INFINITY, count: 100 },
  ];
  assert.equal(quantile(buckets, 0.5), 1);
  assert.equal(quantile(buckets, 0.75), 2);
  assert.equal(quantile(buckets, 1), 3);
  assert.equal(quantile([], 0.5), null);
  assert.equal(quantile([{ atMostMs: Number.POSITIVE_INFINITY, count: 0 }], 0.5), null);
  const slow = [
    { atMostMs: 10, count: 0 },
    { atMostMs: Number.POSITIVE_INFINITY, count: 2 },
  ];
  assert.equal(quantile(slow, 0.99), 10);
});
