/**
 * `weft explain`: where a request of a workload goes and why, step by step, by the functions that decide it in the proxy,
 * over the configuration that the proxy holds and what it knows of its endpoints now; then what stands before the
 * application there, by the policies that its own proxy holds.
 */
import type { Command } from 'commander';
import type { Workload } from '../../api/kinds/workload.ts';
import { WeftError } from '../../core/errors.ts';
import { FILTER_MODULES } from '../../filters/all.ts';
import { explain, type Step } from '../../snapshot/explain.ts';
import type { Context } from '../context.ts';
import { askAdmin, askAdminBytes } from '../edges/scrape.ts';
import { askFirst } from '../explain/ask-first.ts';
import { explainCallees } from '../explain/callee.ts';
import { heldSnapshot } from '../explain/held-snapshot.ts';
import { type LiveCluster, liveFacts } from '../explain/live-facts.ts';
import { type Asked, questionOf, readAsked } from '../explain/question.ts';
import { withFiles } from '../explain/written-in.ts';
import { type MeshConnection, withMesh } from '../mesh/connect.ts';
import { getNamed, kindNamed } from '../mesh/kinds.ts';
import { meshPlace } from '../mesh/state-directory.ts';
import { printedAsData } from '../output/data.ts';
import { tableLines } from '../output/table.ts';

interface ExplainOptions {
  readonly from: string;
  readonly method: string;
  readonly header?: readonly string[];
}

export function define(command: Command, context: () => Context): void {
  const many = (value: string, before: readonly string[] | undefined) => [...(before ?? []), value];
  command
    .argument('<url>', 'http://HOST/PATH as the workload asks for it, or tcp://SERVICE:PORT')
    .requiredOption('--from <workload>', 'the workload that asks')
    .option('-X, --method <method>', 'of the request', 'GET')
    .option('-H, --header <name: value>', 'of the request (repeatable)', many)
    .addHelpText('after', '\nExample:\n  weft explain --from web-1 -H "x-user: ann" http://catalog/products')
    .action((url: string, { from, method, header = [] }: ExplainOptions) => {
      const { namespace } = meshPlace(context().globals);
      const asked = readAsked({ url, method, headers: header, namespace });
      return withMesh(context(), (mesh) => run(context(), mesh, from, asked));
    });
}

const CANNOT_SAY: Readonly<Record<string, string>> = {
  grpc: 'its gRPC library chooses by itself',
  envoy: 'Envoy tells what it has, not how it decides',
};

async function run(context: Context, mesh: MeshConnection, from: string, asked: Asked): Promise<void> {
  const workload = (await getNamed(mesh, kindNamed('workloads'), from)) as Workload;
  const { proxy = 'weft' } = workload.spec ?? {};
  const why = CANNOT_SAY[proxy];
  if (why !== undefined) {
    throw new WeftError('unavailable', {
      what: `${from} has no proxy that could say: ${why}`,
      where: from,
      hint: `weft proxy-config ${from} all shows what it goes by`,
    });
  }
  await askFirst(workload, asked);
  const [held, clusters] = await Promise.all([askAdminBytes(workload, '/csds'), askAdmin(workload, '/weft/clusters')]);
  if (held === null) {
    throw new WeftError('unavailable', {
      what: `the proxy of ${from} does not answer from here`,
      where: `port ${workload.spec?.adminPort ?? 'unknown'} of ${workload.spec?.address ?? 'an unknown address'}`,
      hint: 'Ask on the machine where it runs; weft status shows whether it is there',
    });
  }
  const snapshot = heldSnapshot(held);
  const live = liveFacts(clusters as LiveCluster[] | null);
  const here = explain(snapshot, FILTER_MODULES, live, questionOf(asked, snapshot));
  const there = await explainCallees(mesh, { workload, snapshot, steps: here, head: asked.head });
  asked.head?.free();
  const steps = await withFiles(mesh, [...here, ...there]);
  if (!printedAsData(context, { steps })) print(context, steps);
}

function print({ terminal }: Context, steps: readonly Step[]): void {
  const { dim, red } = terminal.style;
  const rows = steps.map(({ stage, name, why, origin }) => [stage, name === '' ? red('none') : name, why, dim(origin)]);
  terminal.lines(
    tableLines([{ title: 'STAGE' }, { title: 'CHOSEN' }, { title: 'WHY' }, { title: 'WRITTEN IN' }], rows),
  );
}
