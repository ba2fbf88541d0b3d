/** From the start of `weft run` until the first answer through its sidecar, and the control plane's own start. */
import { join } from 'node:path';
import { PROXY_CORE } from '../cores.ts';
import { median } from '../report.ts';
import { alone } from '../rounds.ts';
import type { Stage } from '../stage.ts';
import { HOLDER, vipsOf, WeftMesh } from '../weft/mesh.ts';

export async function benchStart(stage: Stage): Promise<void> {
  const { options, report } = stage;
  const own = new WeftMesh(join(stage.folder, 'start'), options.bundle);
  const controlPlane: number[] = [];
  // The first start makes the CA and fills the compile cache: it is not the start that people wait for each day.
  for (let round = 0; round <= options.rounds; round++) {
    const startedAt = performance.now();
    const started = await own.startControlPlane();
    if (round > 0) controlPlane.push(performance.now() - startedAt);
    await started.stop();
  }
  alone(report, 'start control plane', 'ms', median(controlPlane));
  await stage.pairs('start', 'http', []);
  const mesh = await stage.mesh('weft');
  const firstAnswer: number[] = [];
  for (let round = 0; round < options.rounds; round++) {
    const startedAt = performance.now();
    const client = mesh.run({
      core: PROXY_CORE,
      service: 'client',
      flags: ['--uses', 'backend'],
      command: HOLDER,
    });
    const { http = '' } = await vipsOf(client, 'BACKEND', ['http']);
    await untilAnswered(http);
    firstAnswer.push(performance.now() - startedAt);
    await client.stop();
  }
  alone(report, 'start new workload', 'ms', median(firstAnswer));
}

async function untilAnswered(address: string): Promise<void> {
  const answer = await fetch(`http://${address}/api/route1/`, { headers: { connection: 'close' } });
  if (answer.status !== 200) throw new Error(`the sidecar answered ${answer.status}: ${await answer.text()}`);
  await answer.arrayBuffer();
}
