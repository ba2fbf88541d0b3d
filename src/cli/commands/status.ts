/** `weft status`: the control plane, every proxy and whether it follows, workloads, policies that somebody does not enforce, certificates that run out. */
import type { Command } from 'commander';
import type { Workload } from '../../api/kinds/workload.ts';
import { WORKLOADS } from '../../client/kind-ref.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { type MeshConnection, withMesh } from '../mesh/connect.ts';
import { certificatesOf, type CertificateState, isOverdue } from '../mesh/certificates.ts';
import {
  type ControlPlaneStatus,
  type ProxyStatus,
  readMeshStatus,
  refusalsOf,
  syncState,
} from '../mesh/mesh-status.ts';
import { policyProblemLines, policyProblems } from '../mesh/policy-problems.ts';
import { printedAsData } from '../output/data.ts';
import type { Style } from '../output/style.ts';
import { ageText, tableLines } from '../output/table.ts';
import { refusalLines } from '../proxies/refusal-lines.ts';

export function define(command: Command, context: () => Context): void {
  command
    .option('--fail', 'exit with 1 unless every proxy is in sync and every workload ready')
    .action((options: { fail?: boolean }) =>
      withMesh(context(), (mesh) => status(context(), mesh, options.fail === true)),
    );
}

async function status(context: Context, mesh: MeshConnection, fail: boolean): Promise<void> {
  const [view, { items: workloads }, policies] = await Promise.all([
    readMeshStatus(mesh.transport),
    mesh.resources.list<Workload>(WORKLOADS, null),
    policyProblems(mesh),
  ]);
  const certificates = await certificatesOf(workloads);
  const proxies = view.proxies.map((proxy) => ({ ...proxy, state: syncState(proxy), refusals: refusalsOf(proxy) }));
  const ready = workloads.filter((each) => each.status?.ready === true).length;
  const well = ready === workloads.length && proxies.every((proxy) => proxy.state === 'SYNCED');
  if (fail && !well) process.exitCode = EXIT.failure;
  const { version, trustDomain, startedAt } = view;
  const data = {
    server: mesh.admin.server,
    version,
    trustDomain,
    startedAt,
    workloads: { total: workloads.length, ready },
    proxies,
    policies,
    certificates,
  };
  if (printedAsData(context, data)) return;
  const { terminal } = context;
  terminal.lines([...head(mesh, view, workloads, terminal.style), '', ...proxyLines(view, workloads, terminal.style)]);
  const refused = proxies.flatMap(({ node, refusals }) => refusalLines(node, refusals, terminal.style, Date.now()));
  const unkept = policyProblemLines(policies, terminal.style);
  terminal.lines([...refused, ...unkept, ...certificateLines(certificates, terminal.style)]);
}

function head(mesh: MeshConnection, view: ControlPlaneStatus, workloads: readonly Workload[], style: Style): string[] {
  const ready = workloads.filter((each) => each.status?.ready === true).length;
  const states = view.proxies.map(syncState);
  const count = (state: string) => states.filter((each) => each === state).length;
  const mark = (good: boolean) => (good ? style.green('✓') : style.red('✗'));
  const uptime = ageText(Date.now() - Date.parse(view.startedAt));
  return [
    `${style.green('✓')} control plane ${view.version} at ${mesh.admin.server}, up ${uptime}, trust domain ${view.trustDomain}`,
    `${mark(count('NACK') === 0)} proxies: ${view.proxies.length} connected, ${count('SYNCED')} synced, ${count('STALE')} stale, ${count('NACK')} refusing`,
    `${mark(ready === workloads.length)} workloads: ${ready} of ${workloads.length} ready`,
  ];
}

function proxyLines(view: ControlPlaneStatus, workloads: readonly Workload[], style: Style): string[] {
  const byNode = new Map(view.proxies.map((proxy) => [proxy.node, proxy]));
  const names = new Map(workloads.map((each) => [`${each.metadata.namespace}/${each.metadata.name}`, each]));
  const nodes = [...new Set([...names.keys(), ...byNode.keys()])].toSorted();
  const columns = ['WORKLOAD', 'SERVICE', 'READY', 'CONFIG', 'PROXY', 'CONNECTED'].map((title) => ({ title }));
  const rows = nodes.map((node) => {
    const [workload, proxy] = [names.get(node), byNode.get(node)];
    return [
      node,
      workload?.spec?.service ?? proxy?.service ?? '',
      workload === undefined
        ? style.dim('unknown')
        : workload.status?.ready === true
          ? style.green('yes')
          : style.red('no'),
      configText(proxy, style),
      proxy?.kind ?? workload?.spec?.proxy ?? 'weft',
      proxy === undefined ? style.red('no') : ageText(Date.now() - Date.parse(proxy.connectedSince)),
    ];
  });
  return tableLines(columns, rows);
}

function configText(proxy: ProxyStatus | undefined, style: Style): string {
  if (proxy === undefined) return style.dim('unknown');
  const state = syncState(proxy);
  if (state === 'SYNCED') return style.green('synced');
  if (state === 'NACK') return style.red('NACK');
  const pending = proxy.types.reduce((sum, type) => sum + type.pending.length, 0);
  return style.yellow(`stale (${pending} on the way)`);
}

function certificateLines(certificates: readonly CertificateState[], style: Style): string[] {
  const now = Date.now();
  const bad = certificates.filter((each) => !each.valid || isOverdue(each, now));
  if (bad.length === 0) return [];
  return [
    '',
    ...bad.map(({ workload, valid, reason, notAfterMs }) => {
      const left = notAfterMs === null ? 'there is none' : `${ageText(notAfterMs - now)} left, its renewal is overdue`;
      return `${valid ? style.yellow('‼') : style.red('✗')} certificate of ${workload}: ${valid ? left : reason}`;
    }),
  ];
}
