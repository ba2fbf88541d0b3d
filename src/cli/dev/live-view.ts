/** The screen of `weft dev`: traffic, workloads and the last lines, drawn over itself once a second, on a screen of its own. */
import type { Activity } from '../edges/edge-meter.ts';
import { edgeLines, edgeRates, latencyText, successText } from '../edges/edge-rows.ts';
import { failuresOf, merged, requestsOf } from '../edges/edge-totals.ts';
import { quantile } from '../edges/quantile.ts';
import { clip, type Style } from '../output/style.ts';
import { tableLines } from '../output/table.ts';
import type { Terminal } from '../output/terminal.ts';
import type { DevMesh } from './dev-mesh.ts';
import type { Lines } from './lines.ts';

const ENTER = '\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const FEWEST_LOG_LINES = 3;

export interface LiveState {
  readonly mesh: DevMesh;
  readonly activity: Activity | null;
  /** Names of ready workloads; null while the control plane is away. */
  readonly ready: ReadonlySet<string> | null;
  readonly hints: readonly string[];
  readonly stopping: boolean;
}

export class LiveView {
  readonly #terminal: Terminal;
  readonly #lines: Lines;

  constructor(terminal: Terminal, lines: Lines, onQuit: () => void) {
    this.#terminal = terminal;
    this.#lines = lines;
    terminal.write(ENTER);
    const { stdin } = process;
    if (!stdin.isTTY) return;
    stdin.setRawMode(true);
    stdin.resume();
    stdin.on('data', (keys: Buffer) => {
      if (/[q\u0003\u0004]/.test(keys.toString('latin1'))) onQuit();
    });
  }

  draw(state: LiveState): void {
    const { columns, rows } = this.#terminal;
    const top = topLines(state, this.#terminal.style);
    const room = Math.max(FEWEST_LOG_LINES, rows - top.length - 2);
    const lines = [...top.slice(0, rows - FEWEST_LOG_LINES - 1), '', ...this.#lines.last(room)].slice(0, rows);
    // Every line is overwritten and its rest erased: nothing is blank in between, so nothing flickers.
    this.#terminal.write(`\x1b[H${lines.map((line) => `${clip(line, columns)}\x1b[K`).join('\r\n')}\x1b[J`);
  }

  close(): void {
    if (process.stdin.isTTY) {
      process.stdin.setRawMode(false);
      process.stdin.pause();
    }
    this.#terminal.write(LEAVE);
    this.#lines.print();
  }
}

function topLines({ mesh, activity, ready, hints, stopping }: LiveState, style: Style): string[] {
  const total = mesh.workloads.length;
  const count =
    ready === null ? style.red('control plane away: traffic goes on') : `${ready.size} of ${total} workloads ready`;
  const title = `${style.bold('weft dev')}  ${mesh.namespace}  ${count}  ${style.dim(stopping ? 'stopping …' : 'q ends it')}`;
  const edges =
    activity === null || activity.edges.length === 0
      ? [style.dim('waiting for traffic …')]
      : edgeLines(edgeRates(activity.edges, activity.seconds), style, mesh.namespace);
  return [title, '', ...edges, '', ...workloadLines(mesh, activity, ready, style), '', ...hints];
}

/** What each instance serves: here a canary shows beside the version that it shall replace. */
function workloadLines(
  mesh: DevMesh,
  activity: Activity | null,
  ready: ReadonlySet<string> | null,
  style: Style,
): string[] {
  const seconds = activity?.seconds ?? 0;
  const rows = mesh.workloads.map(({ plan, pid, finished, restarts }) => {
    const seen = activity?.workloads.find((each) => each.workload.metadata.name === plan.name);
    const inbound = (seen?.edges ?? []).filter((edge) => edge.direction === 'inbound');
    const [whole] = merged(inbound.map((edge) => ({ ...edge, source: '', destination: '', mtls: true })));
    const requests = whole === undefined ? 0 : requestsOf(whole);
    const state = finished
      ? style.dim('done')
      : pid === null
        ? style.red('down')
        : ready === null
          ? style.dim('unknown')
          : ready.has(plan.name)
            ? style.green('ready')
            : style.yellow('starting');
    return [
      plan.name,
      plan.service,
      plan.definition.version ?? '',
      state,
      requests === 0 || seconds === 0 ? style.dim('–') : (requests / seconds).toFixed(1),
      successText(whole === undefined || requests === 0 ? null : 1 - failuresOf(whole) / requests, style),
      latencyText(whole === undefined ? null : quantile(whole.buckets, 0.99), style),
      restarts === 0 ? style.dim('–') : style.yellow(String(restarts)),
      String(pid ?? ''),
    ];
  });
  const left = ['WORKLOAD', 'SERVICE', 'VERSION', 'STATE'].map((title) => ({ title }));
  const right = ['RPS', 'SUCCESS', 'P99', 'RESTARTS', 'PID'].map((title) => ({ title, right: true }));
  return tableLines([...left, ...right], rows);
}
