/** From the start of `weft run` to the first answer through its sidecar, what an idle sidecar holds, and the control plane's start. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { listening } from '../children.ts';
import { rssMib } from '../cpu-time.ts';
import { freePort } from '../free-port.ts';
import type { BenchOptions } from '../options.ts';
import { startBackend, startClient } from '../pair/weft.ts';
import { median, type Report } from '../report.ts';
import { vipOf, WeftMesh } from '../weft-mesh.ts';

const SETTLE_MS = 2_000;

export async function benchStart(folder: string, options: BenchOptions, report: Report): Promise<void> {
  const mesh = new WeftMesh(join(folder, 'weft'), options.bundle);
  const controlPlane: number[] = [];
  // The first start makes the CA and fills the compile cache: it is not the start that people wait for each day.
  for (let round = 0; round <= options.rounds; round++) {
    const startedAt = performance.now();
    const started = await mesh.startControlPlane();
    if (round > 0) controlPlane.push(performance.now() - startedAt);
    if (round < options.rounds) await started.stop();
  }
  const port = await freePort();
  startBackend(mesh, port);
  await listening(port);
  await untilAnswered(await vipOf(startClient(mesh, [])));
  const [firstAnswer, rss]: [number[], number[]] = [[], []];
  for (let round = 0; round < options.rounds; round++) {
    const startedAt = performance.now();
    const client = startClient(mesh, []);
    await untilAnswered(await vipOf(client));
    firstAnswer.push(performance.now() - startedAt);
    await sleep(SETTLE_MS);
    rss.push(rssMib([client.pid]));
    await client.stop();
  }
  const samples = options.rounds;
  const tell = (name: string, unit: string, values: number[]): void =>
    report.measured({ bench: 'start', name, unit, value: median(values), samples });
  tell('control plane, until it says that it runs', 'ms', controlPlane);
  tell('weft run, until the first answer through it', 'ms', firstAnswer);
  tell('rss of a sidecar, idle', 'MiB', rss);
}

async function untilAnswered(address: string): Promise<void> {
  const answer = await fetch(`http://${address}/`, { headers: { connection: 'close' } });
  if (answer.status !== 200) throw new Error(`the sidecar answered ${answer.status}: ${await answer.text()}`);
  await answer.arrayBuffer();
}
