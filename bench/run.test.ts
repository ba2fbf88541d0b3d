import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { missing } from '../test/support/components.ts';
import type { Measurement } from './report.ts';

const BUNDLE = join(import.meta.dirname, '../dist/weft.js');

function bench(...args: readonly string[]): Measurement[] {
  const run = spawnSync(process.execPath, [join(import.meta.dirname, 'run.ts'), ...args, '--json'], {
    encoding: 'utf8',
    timeout: 120_000,
  });
  assert.equal(run.status, 0, run.stderr);
  return run.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Measurement);
}

const skip = missing('taskset', 'wrk', 'haproxy', 'nginx');

test('the pair is measured beside HAProxy, without an error', { skip }, () => {
  const args = ['--bundle', BUNDLE, '--connections', '8', '--rounds', '1', '--seconds', '1', '--warmup', '1'];
  const measured = bench('pair', ...args);
  for (const who of ['weft', 'haproxy']) {
    const cpu = measured.find((row) => row.name === 'cpu a request' && row.of === who);
    assert.ok(cpu !== undefined && cpu.value > 1 && cpu.value < 10_000, JSON.stringify(cpu));
  }
  const ratio = measured.find((row) => row.name === 'cpu a request' && row.of === 'weft')?.ratio ?? 0;
  assert.ok(ratio > 0.1 && ratio < 10, `ratio ${ratio}`);
});

test('a change reaches every sidecar', { skip: missing('taskset') }, () => {
  const measured = bench('fanout', '--bundle', BUNDLE, '--sidecars', '3');
  assert.deepEqual(
    measured.map(({ name }) => name.replace(/ to 3 sidecars/, '')),
    ['weight, p50', 'weight, p99', 'endpoint, p50', 'endpoint, p99'],
  );
  assert.ok(measured.every(({ value }) => value > 0 && value < 10_000));
});

test('what it does not understand is refused with its usage', () => {
  const run = spawnSync(process.execPath, [join(import.meta.dirname, 'run.ts'), 'speed'], { encoding: 'utf8' });
  assert.equal(run.status, 2);
  assert.match(run.stderr, /no benchmark "speed".*\n\nnpm run bench/);
});
