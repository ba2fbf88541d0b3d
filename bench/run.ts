/**
 * `npm run bench`: what Weft costs, beside what others cost, measured in one run. Proxies run on core 0, load, backends
 * and this process on core 1. Machines differ and drift: ratios within a run are the result, absolute values are not.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { missing } from '../test/support/components.ts';
import { benchBulk } from './cases/bulk.ts';
import { benchControl } from './cases/control.ts';
import { benchFanout } from './cases/fanout.ts';
import { benchGrpc } from './cases/grpc.ts';
import { benchHop } from './cases/hop.ts';
import { benchMemory } from './cases/memory.ts';
import { benchOpenLoop } from './cases/open-loop.ts';
import { benchPair } from './cases/pair.ts';
import { benchStart } from './cases/start.ts';
import { benchWebSocket } from './cases/websocket.ts';
import { killAll, stopAll } from './children.ts';
import { LOAD_CORE } from './cores.ts';
import { type BenchOptions, type Case, parseOptions, USAGE } from './options.ts';
import { createReport, type Report } from './report.ts';
import { Stage } from './stage.ts';

interface Entry {
  /** Programs without which it cannot run. */
  readonly needs: readonly string[];
  run(stage: Stage): Promise<void>;
}

const ENTRIES: Readonly<Record<Case, Entry>> = {
  memory: { needs: ['wrk', 'nginx'], run: benchMemory },
  pair: { needs: ['wrk', 'nginx'], run: benchPair },
  hop: { needs: ['wrk', 'nginx'], run: benchHop },
  grpc: { needs: ['cc', 'nginx'], run: benchGrpc },
  'open-loop': { needs: ['cc', 'nginx'], run: benchOpenLoop },
  bulk: { needs: ['cc', 'nginx'], run: benchBulk },
  websocket: { needs: ['cc', 'nginx'], run: benchWebSocket },
  start: { needs: ['nginx'], run: benchStart },
  fanout: { needs: [], run: benchFanout },
  control: { needs: [], run: benchControl },
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
  const absent = missing('taskset');
  if (absent !== false) {
    for (const name of options.cases) report.skipped({ case: name, peer: null, skipped: absent });
    report.end();
    return 0;
  }
  execFileSync('taskset', ['-a', '-p', '-c', String(LOAD_CORE), String(process.pid)], { stdio: 'ignore' });
  const folder = mkdtempSync(join(tmpdir(), 'weft-bench-'));
  try {
    return (await runCases(new Stage(folder, options, report), options, report)) ? 0 : 1;
  } finally {
    await stopAll();
    rmSync(folder, { recursive: true, force: true });
    report.end();
  }
}

/** False when one failed; the others have run all the same. */
async function runCases(stage: Stage, options: BenchOptions, report: Report): Promise<boolean> {
  let passed = true;
  for (const name of options.cases) {
    const absent = missing(...ENTRIES[name].needs);
    if (absent !== false) {
      report.skipped({ case: name, peer: null, skipped: absent });
      continue;
    }
    try {
      await ENTRIES[name].run(stage);
    } catch (error) {
      passed = false;
      report.say(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return passed;
}
