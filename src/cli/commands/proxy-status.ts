/** `weft proxy-status`: every proxy of the mesh, and for each type of resource whether it has what it should have. */
import type { Command } from 'commander';
import type { Workload } from '../../api/kinds/workload.ts';
import { WORKLOADS } from '../../client/kind-ref.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { type MeshConnection, withMesh } from '../mesh/connect.ts';
import { kindNamed, nothingNamed } from '../mesh/kinds.ts';
import { readMeshStatus } from '../mesh/mesh-status.ts';
import { printedAsData } from '../output/data.ts';
import type { Style } from '../output/style.ts';
import type { Terminal } from '../output/terminal.ts';
import { ageText, fittedLines } from '../output/table.ts';
import { refusalLines } from '../proxies/refusal-lines.ts';
import { COMMON_SERVICES, type ProxySync, proxySyncs, type TypeSync } from '../proxies/sync-rows.ts';

export function define(command: Command, context: () => Context): void {
  command
    .argument('[name]', 'one workload, of the namespace')
    .option('--fail', 'exit with 1 unless every proxy that is shown is connected and in sync')
    .addHelpText(
      'after',
      `
A column a type of resource, by the name of its discovery service:
  synced         acknowledged as the control plane would send it now
  stale 3s       something is on its way, for so long
  NACK 2m        refused so long ago; the version before goes on serving, and the reason stands below the table
  -              never asked for

Examples:
  weft proxy-status
  weft proxy-status web-1 -n shop -o json`,
    )
    .action((name: string | undefined, { fail }: { fail?: boolean }) =>
      withMesh(context(), (mesh) => proxyStatus(context(), mesh, name, fail === true)),
    );
}

async function proxyStatus(context: Context, mesh: MeshConnection, name: string | undefined, fail: boolean) {
  const [view, { items }] = await Promise.all([
    readMeshStatus(mesh.transport),
    mesh.resources.list<Workload>(WORKLOADS, null),
  ]);
  const all = proxySyncs(view.proxies, items);
  const proxies = name === undefined ? all : all.filter(({ node }) => node === `${mesh.namespace}/${name}`);
  if (name !== undefined && proxies.length === 0) throw await nothingNamed(mesh, kindNamed('workloads'), name);
  if (fail && proxies.some(({ state }) => state !== 'synced')) process.exitCode = EXIT.failure;
  if (printedAsData(context, { proxies })) return;
  const { terminal } = context;
  const nowMs = Date.now();
  terminal.lines(proxies.length === 0 ? ['no proxies'] : table(proxies, context.terminal, nowMs));
  for (const { node, refusals } of proxies) terminal.lines(refusalLines(node, refusals, terminal.style, nowMs));
}

function table(proxies: readonly ProxySync[], { style, isTerminal, columns }: Terminal, nowMs: number): string[] {
  const more = new Set(proxies.flatMap(({ types }) => types.map(({ service }) => service)));
  const services = [...new Set([...COMMON_SERVICES, ...more])];
  const titles = ['PROXY', 'SERVICE', 'KIND', 'VERSION', ...services, 'CONNECTED'];
  const rows = proxies.map(({ node, service, kind, version, connectedSince, types }) => [
    node,
    service,
    kind,
    version === '' ? style.dim('-') : version,
    ...services.map((each) =>
      stateText(
        types.find((type) => type.service === each),
        style,
        nowMs,
      ),
    ),
    connectedSince === null ? style.red('no') : ageText(nowMs - Date.parse(connectedSince)),
  ]);
  return fittedLines(
    titles.map((title) => ({ title })),
    rows,
    isTerminal ? columns : null,
  );
}

function stateText(type: TypeSync | undefined, style: Style, nowMs: number): string {
  if (type === undefined) return style.dim('-');
  const age = type.since === null ? '' : ` ${ageText(nowMs - Date.parse(type.since))}`;
  if (type.state === 'nack') return style.red(`NACK${age}`);
  return type.state === 'stale' ? style.yellow(`stale${age}`) : style.green('synced');
}
