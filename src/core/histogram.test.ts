import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Histogram } from './histogram.ts';

test('a quantile is within 1/64 and half a microsecond of the exact one', () => {
  const durations = fc.array(fc.double({ min: 0, max: 3_600_000, noNaN: true }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(durations, fc.double({ min: 0, max: 1, noNaN: true }), (values, q) => {
      const histogram = new Histogram();
      for (const value of values) histogram.record(value);
      const sorted = values.toSorted((a, b) => a - b);
      const exact = sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1] ?? 0;
      const error = Math.abs(histogram.quantile(q) - exact);
      assert.ok(error <= exact / 64 + 0.0006, `${histogram.quantile(q)} for ${exact}`);
    }),
  );
});

test('merging equals recording into one', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 1e7, noNaN: true })),
      fc.array(fc.double({ min: 0, max: 1e7, noNaN: true })),
      (a, b) => {
        const [one, two, both] = [new Histogram(), new Histogram(), new Histogram()];
        for (const value of a) one.record(value);
        for (const value of b) two.record(value);
        for (const value of [...a, ...b]) both.record(value);
        one.merge(two);
        for (const q of [0, 0.5, 0.99, 1]) assert.equal(one.quantile(q), both.quantile(q));
        assert.equal(one.count, both.count);
      },
    ),
  );
});

test('cumulative counts grow with the bound and end at the count; bad values count as zero', () => {
  const histogram = new Histogram();
  for (const value of [0.5, 3, 30, 300, Number.NaN, -4, 1e12]) histogram.record(value);
  assert.equal(histogram.countAtMost(0), 2);
  assert.equal(histogram.countAtMost(1), 3);
  assert.equal(histogram.countAtMost(100), 5);
  assert.equal(histogram.countAtMost(1e13), 7);
  assert.equal(histogram.count, 7);
});
