/**
 * How soon things serve. A sidecar: from the start of `weft run` under a name that it had before, after a crash, until
 * the first request through it is answered; and the same under a new name. It shares this time with the control plane,
 * which certifies, registers and configures it meanwhile, so the CPU time of the sidecar's own process is told beside it.
 * And the control plane's own start.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'node:http';
import type { Started } from '../children.ts';
import { PROXY_CORE } from '../cores.ts';
import { cpuMicros } from '../cpu-time.ts';
import { median } from '../report.ts';
import { alone } from '../rounds.ts';
import type { Stage } from '../stage.ts';
import { HOLDER, vipsOf, WeftMesh } from '../weft/mesh.ts';

const LIMIT_MS = 20_000;
/** What a start writes for the next one, it has written by then. */
const SETTLE_MS = 3_000;
/** A sidecar that is killed leaves its application behind. */
const APPLICATION = HOLDER.map((word) => word.replace('sleep 3600', 'sleep 30'));

export async function benchStart(stage: Stage): Promise<void> {
  const { options, report } = stage;
  await stage.pairs('start', 'http', []);
  const mesh = await stage.mesh('weft');
  const startClient = (flags: readonly string[]): Started =>
    mesh.run({
      core: PROXY_CORE,
      service: 'starter',
      flags: ['--uses', 'backend', ...flags],
      command: APPLICATION,
    });
  const first = startClient(['--name', 'starter-1']);
  const { http: known = '' } = await vipsOf(first, 'BACKEND', ['http']);
  await untilAnswered(known);
  await sleep(SETTLE_MS);
  first.child.kill('SIGKILL');
  const restarts: number[] = [];
  const used: number[] = [];
  const news: number[] = [];
  for (let round = 0; round < options.rounds; round++) {
    let startedAt = performance.now();
    const again = startClient(['--name', 'starter-1']);
    await untilAnswered(known);
    restarts.push(performance.now() - startedAt);
    used.push(cpuMicros([again.pid]) / 1000);
    again.child.kill('SIGKILL');
    startedAt = performance.now();
    const other = startClient([]);
    await untilAnswered((await vipsOf(other, 'BACKEND', ['http'])).http ?? '');
    news.push(performance.now() - startedAt);
    await other.stop();
  }
  alone(report, 'start first response', 'ms', median(restarts));
  alone(report, 'start first response CPU', 'ms', median(used));
  alone(report, 'start new workload', 'ms', median(news));
  await benchControlPlane(stage);
}

async function benchControlPlane({ folder, options, report }: Stage): Promise<void> {
  const own = new WeftMesh(join(folder, 'start'), options.bundle);
  const times: number[] = [];
  // The first start makes the CA: it is not the start that people wait for each day.
  for (let round = 0; round <= options.rounds; round++) {
    const startedAt = performance.now();
    const started = await own.startControlPlane();
    if (round > 0) times.push(performance.now() - startedAt);
    await started.stop();
  }
  alone(report, 'start control plane', 'ms', median(times));
}

/** Asks again and again; each try is over at once while nobody listens. */
async function untilAnswered(address: string): Promise<void> {
  const deadline = performance.now() + LIMIT_MS;
  while (!(await answers(address))) {
    if (performance.now() > deadline) throw new Error(`no answer from ${address} within ${LIMIT_MS} ms`);
    await sleep(1);
  }
}

function answers(address: string): Promise<boolean> {
  return new Promise((done) => {
    const asking = request(`http://${address}/api/route1/`, { agent: false }, (answer) => {
      answer.resume();
      answer.on('end', () => done(answer.statusCode === 200));
      answer.on('error', () => done(false));
    });
    asking.on('error', () => done(false));
    asking.end();
  });
}
