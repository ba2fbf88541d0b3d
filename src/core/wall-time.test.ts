import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WallTime } from './wall-time.ts';

test('says what the clock on the wall says, and follows its steps within a second', () => {
  const time = { now: 50, wall: 1_000_000 };
  const wallTime = new WallTime({ now: () => time.now, wall: () => time.wall, wake: () => () => {} });
  assert.equal(wallTime.at(50), 1_000_000);
  time.now += 10;
  time.wall += 10;
  assert.equal(wallTime.at(55), 1_000_005, 'of a moment before');
  assert.equal(wallTime.at(60), 1_000_010);
  time.now += 1_000;
  time.wall += 1_000 + 3_600_000;
  assert.equal(wallTime.at(1_060), 1_000_010 + 1_000 + 3_600_000);
});
