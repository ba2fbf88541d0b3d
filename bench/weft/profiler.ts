/**
 * Loaded into a sidecar before the bundle (`--import`): writes what the CPU did and what was allocated, garbage included,
 * into WEFT_BENCH_PROFILE when the process ends. Sampling costs a few per cent: such a run is for looking, not for numbers.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { join } from 'node:path';

const CPU_INTERVAL_US = 250;
const ALLOCATION_INTERVAL_BYTES = 16_384;

const folder = process.env['WEFT_BENCH_PROFILE'] ?? '';
// The application of a sidecar inherits the environment, and may be a Node program itself.
delete process.env['WEFT_BENCH_PROFILE'];
const service = process.argv[process.argv.indexOf('--service') + 1] ?? 'weft';
if (folder !== '' && process.argv.includes('run')) profile(folder, `${service}-${process.pid}`);

function profile(to: string, name: string): void {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.setSamplingInterval', { interval: CPU_INTERVAL_US });
  session.post('Profiler.start');
  session.post('HeapProfiler.startSampling', {
    samplingInterval: ALLOCATION_INTERVAL_BYTES,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
  // Answers come in the same call: the session is this thread's.
  process.once('exit', () => {
    mkdirSync(to, { recursive: true });
    session.post('Profiler.stop', (error, answer) => {
      if (error === null) writeFileSync(join(to, `${name}.cpuprofile`), JSON.stringify(answer.profile));
    });
    session.post('HeapProfiler.stopSampling', (error, answer) => {
      if (error === null) writeFileSync(join(to, `${name}.heapprofile`), JSON.stringify(answer.profile));
    });
  });
}
