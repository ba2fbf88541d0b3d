/** Counts for a while what a mesh that is ready does. */
import { EdgeMeter } from '../edges/edge-meter.ts';
import { scrapeAll } from '../edges/scrape.ts';
import { sleepUnlessAborted } from '../until-signal.ts';
import type { DevMesh } from './dev-mesh.ts';
import { type DevReport, devReport } from './report.ts';
import { namesExpectedToFail, planWorkloads } from './plan.ts';
import type { Project } from './project-file.ts';

export interface MeasureOptions {
  readonly mesh: DevMesh;
  readonly project: Project;
  readonly forMs: number;
  readonly notReady: readonly string[];
  readonly stop: AbortSignal;
}

/** Ends early when it is told to. */
export async function measure({ mesh, project, forMs, notReady, stop }: MeasureOptions): Promise<DevReport> {
  const meter = new EdgeMeter();
  const before = crashes(mesh);
  const look = async () => meter.read(await scrapeAll(await mesh.records()), performance.now());
  await look();
  await sleepUnlessAborted(forMs, stop);
  const activity = await look();
  const plans = planWorkloads(project);
  return devReport({
    seconds: activity.seconds,
    workloads: plans.length - notReady.length,
    crashes: crashes(mesh) - before,
    notReady,
    edges: activity.edges,
    expectedToFail: new Set(namesExpectedToFail(plans).map((name) => `${name}.${mesh.namespace}`)),
  });
}

function crashes(mesh: DevMesh): number {
  return mesh.workloads.reduce((sum, each) => sum + each.crashes, 0);
}
