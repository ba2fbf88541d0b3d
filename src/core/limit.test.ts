import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHUNK_BYTES, ChunkPool, SMALL_CHUNK_BYTES } from './chunk-pool.ts';
import { Limit } from './limit.ts';

test('a limit refuses and counts what exceeds it, and nothing is half taken', () => {
  const limit = new Limit('test.bytes', 10);
  assert.ok(limit.take(7));
  assert.ok(!limit.take(4));
  assert.ok(limit.take(3));
  limit.give(10);
  assert.deepEqual([limit.used, limit.refused, limit.peak], [0, 1, 10]);
});

test('giving back twice is a bug that is named', () => {
  const limit = new Limit('test.slots', 1);
  limit.take();
  limit.give();
  assert.throws(() => limit.give(), /test\.slots/);
});

test('a lowered maximum refuses until enough was given back', () => {
  const limit = new Limit('test.slots', 4);
  limit.take(4);
  limit.max = 2;
  limit.give();
  assert.ok(!limit.take());
  limit.give(2);
  assert.ok(limit.take());
});

test('the chunk pool keeps a bounded number of bytes of each size and nothing of another', () => {
  const pool = new ChunkPool(2 * CHUNK_BYTES);
  const chunks = [pool.take(), pool.take(), pool.take()];
  for (const chunk of chunks) pool.give(chunk);
  pool.give(new Uint8Array(10));
  assert.equal(pool.freeBytes, 2 * CHUNK_BYTES);
  assert.equal(pool.take().length, CHUNK_BYTES);
  const small = Array.from({ length: 20 }, () => pool.takeSmall());
  for (const chunk of small) pool.give(chunk);
  assert.equal(pool.takeSmall().length, SMALL_CHUNK_BYTES);
  assert.equal(pool.freeBytes, 3 * CHUNK_BYTES - SMALL_CHUNK_BYTES);
});
