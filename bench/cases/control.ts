/** The control plane under thousands of proxies: how long, how much CPU and memory, and how each grows. */
import { join } from 'node:path';
import { measure, type Metric, UNITS } from '../control/measure.ts';
import { WeftSubject } from '../control/weft-subject.ts';
import type { Stage } from '../stage.ts';
import { boundOf } from '../targets.ts';

/** A mesh of the size that the targets are for, and one that a test can wait for. */
const FULL = { services: 1_000, changes: 20, seconds: 10 };
const QUICK = { services: 100, changes: 5, seconds: 2 };

export async function benchControl({ folder, options, report }: Stage): Promise<void> {
  const scale = options.quick ? QUICK : FULL;
  const weft = new WeftSubject(join(folder, 'control'), options.bundle, options.nodeFlags, scale.services);
  for (const proxies of options.proxies) {
    await weft.start();
    const ours = await measure(weft, weft.stateDir, { ...scale, proxies });
    await weft.stop();
    for (const metric of Object.keys(UNITS) as Metric[]) {
      const target = boundOf(`control ${metric}`);
      report.compared({
        case: `control ${metric}, ${proxies} proxies`,
        peer: null,
        ours: ours[metric],
        theirs: null,
        unit: UNITS[metric],
        ratio: null,
        target,
        ok: target === null ? null : ours[metric] <= target,
      });
    }
  }
}
