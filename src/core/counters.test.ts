import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Counters, DROPPED_SERIES } from './counters.ts';

test('the same name and labels are the same series, whatever the order of the labels', () => {
  const counters = new Counters();
  counters.counter('requests_total', { code: '200', route: 'a' }).add(2);
  counters.counter('requests_total', { route: 'a', code: '200' }).add(3);
  assert.equal(counters.counter('requests_total', { code: '200', route: 'a' }).value, 5);
});

test('labels cannot imitate one another', () => {
  const counters = new Counters();
  counters.counter('x', { a: '1","b","2' }).add(1);
  assert.equal(counters.counter('x', { a: '1', b: '2' }).value, 0);
});

test('counters survive the growth of the array under them', () => {
  const counters = new Counters();
  const first = counters.counter('first');
  first.add(1);
  for (let i = 0; i < 1000; i++) counters.counter('n', { i: `${i}` }).add(i);
  first.add(1);
  assert.equal(first.value, 2);
  assert.equal(counters.counter('n', { i: '999' }).value, 999);
});

test('past the bound new series are counted and dropped, old ones go on', () => {
  const counters = new Counters(3);
  const kept = counters.counter('kept');
  counters.gauge('also').set(7);
  counters.counter('dropped').add(5);
  kept.add(1);
  assert.deepEqual(
    [...counters.series()].map(({ name, value }) => [name, value]),
    [
      [DROPPED_SERIES, 1],
      ['kept', 1],
      ['also', 7],
    ],
  );
});

test('series of one name come together', () => {
  const counters = new Counters();
  for (const name of ['a', 'b', 'a']) counters.counter(name, { n: `${Math.random()}` });
  assert.deepEqual([...counters.series()].map((series) => series.name).slice(1), ['a', 'a', 'b']);
});
