import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatDuration, parseDuration, parseGatewayDuration } from './durations.ts';

test('Go durations parse to milliseconds', () => {
  const cases: [string, number][] = [
    ['0', 0],
    ['250ms', 250],
    ['1h30m', 5_400_000],
    ['1.5s', 1500],
    ['.5s', 500],
    ['1h1m1s1ms', 3_661_001],
    ['300us', 0.3],
    ['7µs', 0.007],
    ['10ns', 0.00001],
  ];
  for (const [text, ms] of cases) assert.equal(parseDuration(text), ms, text);
});

test('anything else is no duration', () => {
  for (const text of ['', '5', '-1s', '1 s', '1d', 's', '1.s.', '1h ', 'Infinity', '1e3s', '9'.repeat(70) + 's']) {
    assert.equal(parseDuration(text), null, text);
  }
});

test('Gateway API durations are the narrower form of GEP-2257', () => {
  assert.equal(parseGatewayDuration('1h1m1s1ms'), 3_661_001);
  for (const text of ['1.5s', '0', '1us', '100000s', '1h1m1s1ms1ms', ''])
    assert.equal(parseGatewayDuration(text), null, text);
});

test('a formatted duration parses back', () => {
  fc.assert(
    fc.property(fc.nat(90_000_000), (ms) => {
      assert.equal(parseDuration(formatDuration(ms)), ms);
      assert.equal(parseGatewayDuration(formatDuration(ms)), ms);
    }),
  );
  assert.equal(formatDuration(-1), '0s');
  assert.equal(formatDuration(1500), '1s500ms');
});
