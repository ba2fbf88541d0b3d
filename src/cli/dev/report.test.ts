/** What counts as a failure that nobody meant. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrowsOf, type EdgeTotals, type Outcome } from '../edges/edge-totals.ts';
import { devReport, type ReportFacts } from './report.ts';

function facts(outcomes: readonly Outcome[], more: Partial<ReportFacts> = {}): ReportFacts {
  const edge: EdgeTotals = {
    direction: 'outbound',
    source: 'web.shop',
    destination: 'catalog-v2.shop',
    mtls: true,
    outcomes,
    buckets: [],
    connections: 0,
    bytes: 0,
  };
  return {
    seconds: 10,
    workloads: 2,
    crashes: 0,
    notReady: [],
    edges: arrowsOf([edge]),
    expectedToFail: new Set(['catalog-v2.shop']),
    ...more,
  };
}

const OK: Outcome = { status: 200, flag: '', count: 98 };

test('an application that is known to fail may answer with errors', () => {
  const report = devReport(facts([OK, { status: 500, flag: '', count: 2 }]));
  assert.deepEqual([report.ok, report.failures, report.unexpectedFailures], [true, 2, 0]);
  assert.equal(report.requests, 100);
  assert.equal(report.mtlsShare, 1);
});

test('the same answers of any other application are not meant', () => {
  const report = devReport(facts([OK, { status: 500, flag: '', count: 2 }], { expectedToFail: new Set() }));
  assert.deepEqual([report.ok, report.unexpectedFailures], [false, 2]);
});

test('a failure that the proxy made is never meant', () => {
  const report = devReport(facts([OK, { status: 503, flag: 'UF', count: 1 }]));
  assert.deepEqual([report.ok, report.unexpectedFailures], [false, 1]);
  assert.deepEqual(report.unexpected, [
    { source: 'web.shop', destination: 'catalog-v2.shop', status: 503, flag: 'UF', count: 1 },
  ]);
});

test('a caller that goes away is no failure', () => {
  assert.equal(devReport(facts([OK, { status: 0, flag: 'DC', count: 3 }])).ok, true);
});

test('a workload that never became ready, or crashed, is reported as such', () => {
  assert.equal(devReport(facts([OK], { notReady: ['cart'] })).ok, false);
  assert.equal(devReport(facts([OK], { crashes: 1 })).ok, false);
});

test('without traffic there is no share of mTLS', () => {
  const report = devReport(facts([]));
  assert.deepEqual([report.ok, report.mtlsShare, report.edges], [true, null, []]);
});
