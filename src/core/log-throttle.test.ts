import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogThrottle } from './log-throttle.ts';

function linesOf(burst: number | undefined, secondsBetween: readonly number[]): string {
  let now = 0;
  const throttle = new LogThrottle({ now: () => now, wall: () => now, wake: () => () => {} }, burst);
  return secondsBetween
    .map((seconds) => {
      now += seconds * 1_000;
      return throttle.allows('peer') ? 'x' : '.';
    })
    .join('');
}

test('a cause has a line a second', () => {
  assert.equal(linesOf(undefined, [0, 0.5, 0.4, 0.1, 0.9, 5, 0]), 'x..x.x.');
});

test('with a burst it has so many at once, and again after as many seconds of silence', () => {
  assert.equal(linesOf(3, [0, 0, 0, 0, 1, 0, 3, 0, 0, 0]), 'xxx.x.xxx.');
});

test('causes do not take from each other', () => {
  const throttle = new LogThrottle({ now: () => 0, wall: () => 0, wake: () => () => {} });
  assert.deepEqual(
    ['a', 'b', 'a'].map((cause) => throttle.allows(cause)),
    [true, true, false],
  );
});
