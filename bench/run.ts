/**
 * `npm run bench`: what Weft costs, beside what others cost, measured in one run. Proxies run on core 0, load and
 * backend on core 1; CPU time is the kernel's (`schedstat`, all threads), divided by the requests that
 * were answered. Machines differ and drift: ratios within a run are the result, absolute values are not.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { missing } from '../test/support/components.ts';
import { killAll, stopAll } from './children.ts';
import { type Bench, type BenchOptions, parseOptions, USAGE } from './options.ts';
import { benchPair } from './pair/pair.ts';
import { benchFanout } from './fanout/fanout.ts';
import { benchStart } from './start/start.ts';
import { createReport, type Report } from './report.ts';

interface Suite {
  /** Programs without which it cannot run. */
  readonly needs: readonly string[];
  run(folder: string, options: BenchOptions, report: Report): Promise<void>;
}

const SUITES: Readonly<Record<Bench, Suite>> = {
  pair: { needs: ['taskset', 'wrk', 'nginx', 'haproxy'], run: benchPair },
  start: { needs: ['taskset', 'nginx'], run: benchStart },
  fanout: { needs: ['taskset'], run: benchFanout },
};

process.exitCode = await main();

async function main(): Promise<number> {
  let options: BenchOptions;
  try {
    options = parseOptions(process.argv.slice(2), resolve(import.meta.dirname, '../dist/weft.js'));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}\n`);
    return 2;
  }
  process.on('exit', killAll);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
  const report = createReport(options.json);
  let failed = false;
  for (const bench of options.benches) {
    const suite = SUITES[bench];
    const absent = missing(...suite.needs);
    if (absent !== false) {
      report.say(`${bench}: left out, ${absent}`);
      continue;
    }
    const folder = mkdtempSync(join(tmpdir(), `weft-bench-${bench}-`));
    try {
      await suite.run(folder, options, report);
    } catch (error) {
      failed = true;
      report.say(`${bench}: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      await stopAll();
      rmSync(folder, { recursive: true, force: true });
    }
  }
  report.end();
  return failed ? 1 : 0;
}
