import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Counters } from '../../core/counters.ts';
import { RecordingLog } from '../../core/log.ts';
import { TimerWheel } from '../../core/timer-wheel.ts';
import { Simulation } from '../../runtime/sim/simulation.ts';
import type { AccessLogConfig } from '../../snapshot/access-log-config.ts';
import { sampleFacts } from '../../snapshot/format/sample-facts.ts';
import { LogFiles } from './log-files.ts';

const OWNER = { facts: () => sampleFacts() };

function logTo(path: string, line: string): AccessLogConfig {
  return { path, line: () => line, filter: null };
}

function start() {
  const sim = new Simulation({ seed: 1 });
  const { clock, files } = sim.start('10.0.0.1');
  const dropped = new Counters().counter('dropped');
  const logs = new LogFiles(files, new TimerWheel(clock), dropped, new RecordingLog('debug'));
  const textOf = (path: string): string => Buffer.from(files.files.get(path)?.bytes ?? []).toString('latin1');
  return { sim, files, dropped, logs, textOf };
}

test('logs of one path share a file, whose lines keep their order; a filter keeps some out', async () => {
  const { logs, textOf, files } = start();
  logs.write([logTo('/a', '1\n'), logTo('/b', 'x\n'), { ...logTo('/a', '2\n'), filter: () => false }], OWNER);
  logs.write([logTo('/a', '3é\n')], OWNER);
  await logs.close();
  assert.equal(textOf('/a'), '1\n3é\n');
  assert.equal(textOf('/b'), 'x\n');
  assert.equal(files.files.get('/a')?.mode, 0o644);
});

test('what a slow disk has no room for is dropped and counted, and so is a line that no buffer holds', async () => {
  const { logs, dropped, textOf } = start();
  const line = `${'x'.repeat(99_999)}\n`;
  for (let i = 0; i < 10; i++) logs.write([logTo('/a', line)], OWNER);
  assert.equal(dropped.value, 6);
  logs.write([logTo('/b', 'x'.repeat(300_000))], OWNER);
  assert.equal(dropped.value, 7);
  await logs.close();
  assert.equal(textOf('/a'), line.repeat(4));
});

test('paths are bounded, and those that have nothing left make room', async () => {
  const { sim, logs, dropped, textOf } = start();
  for (let i = 0; i < 70; i++) logs.write([logTo(`/log-${i}`, 'x\n')], OWNER);
  assert.equal(dropped.value, 6);
  await sim.run(() => false, 3_000);
  logs.write([logTo('/late', 'y\n')], OWNER);
  await logs.close();
  assert.equal(textOf('/late'), 'y\n');
  assert.equal(dropped.value, 6);
});
