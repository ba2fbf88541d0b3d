/** `weft top`: who calls whom, with mTLS or without, how often, how well and how fast; live on a terminal. */
import type { Command } from 'commander';
import type { Workload } from '../../api/kinds/workload.ts';
import { WORKLOADS } from '../../client/kind-ref.ts';
import type { Context } from '../context.ts';
import { EdgeMeter, type Activity } from '../edges/edge-meter.ts';
import { edgeLines, edgeRates } from '../edges/edge-rows.ts';
import { scrapeAll } from '../edges/scrape.ts';
import { UsageError } from '../exit-codes.ts';
import { type MeshConnection, withMesh } from '../mesh/connect.ts';
import { jsonText, outputFormat } from '../output/data.ts';
import { InPlace } from '../output/in-place.ts';
import { parseDuration } from '../../core/durations.ts';
import { isWeftError } from '../../core/errors.ts';
import { sleepUnlessAborted, untilSignal } from '../until-signal.ts';

interface TopOptions {
  readonly allNamespaces?: boolean;
  readonly once?: boolean;
  readonly json?: boolean;
  readonly interval: string;
}

export function define(command: Command, context: () => Context): void {
  command
    .option('-A, --all-namespaces', 'in every namespace')
    .option('--once', 'measure one interval, print it and end')
    .option('--json', 'the same as --output json')
    .option('--interval <duration>', 'between two looks', '2s')
    .action((options: TopOptions) => withMesh(context(), (mesh) => top(context(), mesh, options)));
}

async function top(context: Context, mesh: MeshConnection, options: TopOptions): Promise<void> {
  const intervalMs = parseDuration(options.interval);
  if (intervalMs === null || intervalMs < 100) {
    throw new UsageError(
      `--interval ${options.interval} is no duration of 100ms or more`,
      'For example: --interval 2s',
    );
  }
  const json = options.json === true || outputFormat(context, ['table', 'json']) === 'json';
  const scope = options.allNamespaces === true ? null : mesh.namespace;
  const { terminal } = context;
  const screen = new InPlace(terminal);
  const meter = new EdgeMeter();
  let known: readonly Workload[] | null = null;
  const look = async () => {
    try {
      known = (await mesh.resources.list<Workload>(WORKLOADS, scope)).items;
    } catch (error) {
      // The proxies go on without the control plane, and so does the look at them.
      if (known === null || !isWeftError(error, 'unavailable')) throw error;
    }
    return meter.read(await scrapeAll(known), performance.now());
  };
  const stop = untilSignal();
  await look();
  do {
    await sleepUnlessAborted(intervalMs, stop);
    if (stop.aborted) break;
    const activity = await look();
    if (json) terminal.line(options.once === true ? jsonText(asData(activity)) : JSON.stringify(asData(activity)));
    else screen.show(viewLines(context, mesh, activity, scope));
  } while (options.once !== true);
  screen.end();
}

function asData(activity: Activity) {
  return {
    seconds: activity.seconds,
    edges: edgeRates(activity.edges, activity.seconds),
    unreachable: unreachable(activity).map((workload) => `${workload.metadata.namespace}/${workload.metadata.name}`),
  };
}

function viewLines(context: Context, mesh: MeshConnection, activity: Activity, scope: string | null): string[] {
  const { style } = context.terminal;
  const lines = edgeLines(edgeRates(activity.edges, activity.seconds), style, scope ?? mesh.namespace);
  if (lines.length === 0) {
    const where = scope === null ? '' : ` in namespace ${scope} (all: -A)`;
    lines.push(activity.workloads.length === 0 ? `no workloads${where}` : `no traffic yet${where}`);
  }
  const [others, away] = byKind(unreachable(activity));
  if (away.length > 0) {
    lines.push('', style.dim(`not seen from here (on another machine, or gone): ${namesOf(away)}`));
  }
  if (others.length > 0) {
    lines.push('', style.dim(`without Weft’s proxy, so counted where that is at the other end: ${namesOf(others)}`));
  }
  return lines;
}

/** Those that have no proxy of ours to ask, and those that should have one. */
function byKind(workloads: readonly Workload[]): [others: Workload[], ours: Workload[]] {
  const isOurs = ({ spec }: Workload): boolean => (spec?.proxy ?? 'weft') === 'weft';
  return [workloads.filter((each) => !isOurs(each)), workloads.filter(isOurs)];
}

function namesOf(workloads: readonly Workload[]): string {
  return workloads.map(({ metadata }) => metadata.name).join(', ');
}

function unreachable(activity: Activity): Workload[] {
  return activity.workloads.filter((each) => !each.reachable).map((each) => each.workload);
}
