import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { missing } from '../test/support/components.ts';
import type { Comparison } from './report.ts';

const BUNDLE = join(import.meta.dirname, '../dist/weft.js');

function bench(...args: readonly string[]): Comparison[] {
  const run = spawnSync(process.execPath, [join(import.meta.dirname, 'run.ts'), ...args, '--json'], {
    encoding: 'utf8',
    timeout: 120_000,
  });
  assert.equal(run.status, 0, run.stderr);
  return run.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Comparison);
}

const skip = missing('taskset', 'wrk', 'haproxy', 'nginx');

test('the pair is measured beside HAProxy, without an error', { skip }, () => {
  const quick = ['--peers', 'haproxy', '--connections', '8', '--rounds', '1', '--seconds', '1', '--warmup', '1'];
  const measured = bench('pair', '--bundle', BUNDLE, ...quick);
  for (const peer of ['haproxy-h1', 'haproxy-h2']) {
    const cpu = measured.find((line) => line.case === 'pair c=8' && line.peer === peer);
    assert.ok(cpu !== undefined && cpu.ours > 1 && cpu.ours < 10_000, JSON.stringify(cpu));
    assert.ok(cpu.ratio !== null && cpu.ratio > 0.1 && cpu.ratio < 10, JSON.stringify(cpu));
  }
});

test('a change reaches every sidecar', { skip: missing('taskset') }, () => {
  const measured = bench('fanout', '--bundle', BUNDLE, '--sidecars', '3');
  assert.deepEqual(
    measured.map((line) => line.case.replace(/^fanout (\w+), 3 sidecars/, '$1')),
    ['weight, p50', 'weight, p99', 'endpoint, p50', 'endpoint, p99'],
  );
  assert.ok(measured.every(({ ours }) => ours > 0 && ours < 10_000));
});

test('the control plane serves simulated proxies, and none misses a change', { skip: missing('taskset') }, () => {
  const measured = bench('control', '--bundle', BUNDLE, '--quick', '--proxies', '40', '--peers', 'none');
  const value = (metric: string): number =>
    measured.find((line) => line.case === `control ${metric}, 40 proxies`)?.ours ?? Number.NaN;
  assert.ok(value('first sync') > 0 && value('endpoint of all, p99') > 0, JSON.stringify(measured));
  assert.ok(value('restart, bytes of a first sync') < 5, JSON.stringify(measured));
});

test('what it does not understand is refused with its usage', () => {
  const run = spawnSync(process.execPath, [join(import.meta.dirname, 'run.ts'), 'speed'], { encoding: 'utf8' });
  assert.equal(run.status, 2);
  assert.match(run.stderr, /no benchmark "speed".*\n\nnpm run bench/);
});
