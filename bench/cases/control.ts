/** The control plane under thousands of proxies: how long, how much CPU and memory, and how each grows. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { missing } from '../../test/support/components.ts';
import { buildGoControlPlane, GoSubject } from '../control/go-subject.ts';
import { measure, type Measured, type Metric, UNITS } from '../control/measure.ts';
import type { Scale } from '../control/subject.ts';
import { ENDPOINTS } from '../control/mesh-objects.ts';
import { WeftSubject } from '../control/weft-subject.ts';
import type { Report } from '../report.ts';
import type { Stage } from '../stage.ts';
import { boundOf } from '../targets.ts';

/** A mesh of the size that the targets are for, and one that a test can wait for. */
const FULL = { services: 1_000, changes: 20, seconds: 10 };
const QUICK = { services: 100, changes: 5, seconds: 2 };

const GO = 'go-control-plane';

export async function benchControl({ folder, options, report }: Stage): Promise<void> {
  const usual = options.quick ? QUICK : FULL;
  // A proxy without a workload in the mesh would be turned away for ever.
  const size = { ...usual, services: Math.max(usual.services, Math.ceil(Math.max(...options.proxies) / ENDPOINTS)) };
  const weft = new WeftSubject(join(folder, 'control'), options.bundle, options.nodeFlags, size.services);
  const go = goBinary(folder, options.peers, report);
  for (const proxies of options.proxies) {
    const scale = { ...size, proxies };
    await weft.start();
    const ours = await measure(weft, weft.stateDir, scale);
    await weft.stop();
    const theirs = go === null ? null : await measureGo(join(folder, GO), go, weft.stateDir, scale);
    for (const metric of Object.keys(UNITS) as Metric[]) compare(report, metric, proxies, ours, theirs);
  }
}

function goBinary(folder: string, peers: readonly string[], report: Report): string | null {
  if (!peers.includes(GO)) return null;
  const absent = missing('go');
  if (absent === false) {
    mkdirSync(join(folder, GO), { recursive: true });
    return buildGoControlPlane(join(folder, GO));
  }
  report.skipped({ case: 'control', peer: GO, skipped: absent });
  return null;
}

async function measureGo(folder: string, binary: string, stateDir: string, scale: Scale): Promise<Measured> {
  const go = await GoSubject.make(folder, stateDir, binary, scale.services, scale.proxies);
  await go.start();
  const measured = await measure(go, stateDir, scale);
  await go.stop();
  return measured;
}

/** Targets are of Weft alone: what stands beside says what is usual. */
function compare(report: Report, metric: Metric, proxies: number, ours: Measured, theirs: Measured | null): void {
  const target = boundOf(`control ${metric}`);
  const peer = theirs === null ? {} : { peer: GO, theirs: theirs[metric], ratio: ours[metric] / theirs[metric] };
  report.compared({
    case: `control ${metric}, ${proxies} proxies`,
    ...{ peer: null, theirs: null, ratio: null, ...peer },
    ours: ours[metric],
    unit: UNITS[metric],
    target,
    ok: target === null ? null : ours[metric] <= target,
  });
}
