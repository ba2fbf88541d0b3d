import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeRandom } from './random.ts';

test('draws are even over [0, 1), in themselves and after each other', () => {
  const places = 16;
  const counts = new Uint32Array(places * places);
  const draws = 400_000;
  let last = 0;
  for (let i = 0; i < draws; i++) {
    const drawn = nodeRandom.next();
    assert.ok(drawn >= 0 && drawn < 1);
    const place = Math.floor(drawn * places);
    counts[last * places + place] = (counts[last * places + place] ?? 0) + 1;
    last = place;
  }
  const expected = draws / counts.length;
  const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  // 255 degrees of freedom: beyond 400 once in a hundred million runs.
  assert.ok(chiSquare < 400, `${chiSquare}`);
});
