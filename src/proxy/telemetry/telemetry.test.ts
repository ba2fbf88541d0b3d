import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Telemetry } from './telemetry.ts';

test("an edge counts requests by code and flag, and a failure is the upstream's fault, not the caller's", () => {
  const telemetry = new Telemetry('web.shop');
  const edge = telemetry.edge('outbound', 'web.shop', 'catalog.shop', true);
  edge.countRequest(200, '', 3);
  edge.countRequest(404, '', 3);
  edge.countRequest(503, 'UH', 1);
  edge.countRequest(0, 'DC', 9);
  edge.countRequest(0, 'UC', 9);
  assert.equal(edge.requests, 5);
  assert.equal(edge.failures, 2);
  const text = telemetry.prometheus();
  assert.match(
    text,
    /^weft_requests_total\{direction="outbound",source="web\.shop",destination="catalog\.shop",mtls="yes",code="503",flag="UH"\} 1$/m,
  );
  assert.match(text, /^weft_request_duration_ms_bucket\{[^}]*le="2.5"\} 1$/m);
  assert.match(text, /^weft_request_duration_ms_bucket\{[^}]*le="\+Inf"\} 5$/m);
  assert.match(text, /^weft_request_duration_ms_count\{[^}]*\} 5$/m);
});

test('the same names give the same edge, and names from outside cannot grow memory without bound', () => {
  const telemetry = new Telemetry('web.shop');
  assert.equal(telemetry.edge('outbound', 'a', 'b', true), telemetry.edge('outbound', 'a', 'b', true));
  for (let i = 0; i < 5_000; i++) telemetry.egressEdge(`host-${i}.example.org`);
  for (let i = 0; i < 5_000; i++) telemetry.edge('inbound', `source-${i}`, 'web.shop', true);
  assert.ok([...telemetry.edges()].length <= 2_010);
  assert.equal(telemetry.egressEdge('one-more.example.org').destination, 'egress:other');
});

test('label values cannot break the text format', () => {
  const telemetry = new Telemetry('web.shop');
  telemetry.edge('inbound', 'a"} 1\nevil{x="\\', 'web.shop', false).countRequest(200, '', 1);
  const lines = telemetry.prometheus().split('\n');
  assert.ok(!lines.some((line) => line.startsWith('evil')));
});

test('a server that answers with every status there is makes no series for each', () => {
  const telemetry = new Telemetry('web.shop');
  const edge = telemetry.egressEdge('odd.example');
  for (let round = 0; round < 2; round++) for (let code = 200; code < 600; code++) edge.countRequest(code, '', 1);
  const series = [...telemetry.counters.series()].filter(({ name }) => name === 'weft_requests_total');
  assert.ok(series.length <= 40, `${series.length} series`);
  assert.equal(
    series.reduce((sum, { value }) => sum + value, 0),
    800,
  );
});
