/** Keeps an eye on a running mesh until it is told to end: the live view on a terminal, and what changes in any case. */
import type { Workload } from '../../api/kinds/workload.ts';
import type { Context } from '../context.ts';
import { type Activity, EdgeMeter } from '../edges/edge-meter.ts';
import { scrapeAll } from '../edges/scrape.ts';
import { EXIT } from '../exit-codes.ts';
import { programName } from '../program-name.ts';
import { sleepUnlessAborted } from '../until-signal.ts';
import type { DevMesh } from './dev-mesh.ts';
import type { Lines } from './lines.ts';
import { LiveView } from './live-view.ts';

const LOOK_MS = 1_000;

export interface WatchOptions {
  readonly context: Context;
  readonly mesh: DevMesh;
  readonly lines: Lines;
  readonly stop: AbortSignal;
  /** null: no view, the lines are printed as they come. */
  readonly hints: (() => string[]) | null;
}

export async function watchMesh({ context, mesh, lines, stop, hints }: WatchOptions): Promise<number> {
  const quit = new AbortController();
  const over = AbortSignal.any([stop, quit.signal]);
  const view = hints === null ? null : new LiveView(context.terminal, lines, () => quit.abort());
  const meter = new EdgeMeter();
  // The proxies go on while the control plane is away: the last records say where they are.
  let records: readonly Workload[] = [];
  let away = false;
  let ready: ReadonlySet<string> | null = new Set();
  let activity: Activity | null = null;
  const draw = (stopping: boolean) => view?.draw({ mesh, activity, ready, hints: hints?.() ?? [], stopping });
  try {
    while (!over.aborted) {
      try {
        records = await mesh.records();
        ready = new Set(records.flatMap((each) => (each.status?.ready === true ? [each.metadata.name] : [])));
        if (away) lines.say('weft', 'the control plane is back');
        away = false;
      } catch {
        ready = null;
        if (!away) lines.say('weft', awayText(mesh));
        away = true;
      }
      if (view !== null) activity = meter.read(await scrapeAll(records), performance.now());
      draw(false);
      await sleepUnlessAborted(LOOK_MS, over);
    }
    draw(true);
  } finally {
    view?.close();
  }
  return EXIT.ok;
}

function awayText(mesh: DevMesh): string {
  const how = mesh.controlPlane.gone();
  const what = how === null ? 'the control plane does not answer' : `the control plane ended with ${how}`;
  return `${what}: traffic goes on with the last configuration. Bring it back with: ${programName()} up`;
}
