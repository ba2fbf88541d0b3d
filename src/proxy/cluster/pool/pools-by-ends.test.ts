import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Attempt, Pool } from '../attempt.ts';
import { PoolsByEnds } from './pools-by-ends.ts';

function attemptFrom(port: number): Attempt {
  const ends = { source: () => ({ host: '192.0.2.1', port }), destination: () => ({ host: '10.0.0.1', port: 80 }) };
  return ends as unknown as Attempt;
}

function start(isBusy: (port: number) => boolean) {
  const made: number[] = [];
  const opened: string[] = [];
  const calls = new Map<string, number>();
  const count = (name: string) => () => void calls.set(name, (calls.get(name) ?? 0) + 1);
  const pools = new PoolsByEnds(({ source }): Pool => {
    made.push(source.port);
    return {
      open: (attempt) => void opened.push(`${attempt.source().port} by ${source.port}`),
      cancel: count('cancel'),
      evict: count('evict'),
      retire: count('retire'),
      sizes: { idle: 0, busy: isBusy(source.port) ? 1 : 0, connecting: 0, pending: 0 },
    };
  });
  return { pools, made, opened, calls };
}

test('requests of one downstream connection share a pool with nobody else', () => {
  const { pools, made, opened } = start(() => true);
  for (const port of [1, 2, 1, 2]) pools.open(attemptFrom(port));
  assert.deepEqual(made, [1, 2]);
  assert.deepEqual(opened, ['1 by 1', '2 by 2', '1 by 1', '2 by 2']);
  assert.equal(pools.sizes.busy, 2);
});

test('pools that hold nothing are forgotten, those in use are kept and told', () => {
  const { pools, made, calls } = start((port) => port <= 3);
  for (let port = 1; port <= 1_000; port++) pools.open(attemptFrom(port));
  pools.evict();
  assert.ok((calls.get('evict') ?? 0) <= 16, String(calls.get('evict')));
  pools.open(attemptFrom(3));
  assert.equal(made.length, 1_000);
  pools.open(attemptFrom(500));
  assert.equal(made.length, 1_001);
  assert.equal(pools.sizes.busy, 3);
});
