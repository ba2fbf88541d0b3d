/** The report of `weft dev --for`, for people. */
import { latencyText, successText } from '../edges/edge-rows.ts';
import type { Style } from '../output/style.ts';
import { tableLines } from '../output/table.ts';
import type { DevReport } from './report.ts';

export function reportLines(report: DevReport, style: Style, namespace: string): string[] {
  const short = (name: string) => (name.endsWith(`.${namespace}`) ? name.slice(0, -namespace.length - 1) : name);
  const mark = report.ok ? style.green('✓') : style.red('✗');
  const share = report.mtlsShare === null ? 'no traffic' : `${(report.mtlsShare * 100).toFixed(1)}% with mTLS`;
  const left = ['SOURCE', '', 'DESTINATION', 'MTLS'].map((title) => ({ title }));
  const right = ['REQUESTS', 'SUCCESS', 'P50', 'P99', 'TCP'].map((title) => ({ title, right: true }));
  const rows = report.edges.map((edge) => [
    short(edge.source),
    style.dim('→'),
    short(edge.destination),
    edge.mtls ? style.green('yes') : style.red('no'),
    String(edge.requests),
    successText(edge.requests === 0 ? null : 1 - edge.failures / edge.requests, style),
    latencyText(edge.p50Ms, style),
    latencyText(edge.p99Ms, style),
    edge.connections === 0 ? style.dim('–') : String(edge.connections),
  ]);
  return [
    `${mark} ${report.workloads} workloads, ${report.requests} requests in ${report.seconds} s, ${share}`,
    `  ${report.failures} failures, ${report.unexpectedFailures} of them not meant, ${report.crashes} crashes`,
    ...report.notReady.map((name) => style.red(`  ${name} never became ready`)),
    ...report.unexpected.map((each) => {
      const why = each.flag === '' ? 'the application answered' : `the proxy answered, flag ${each.flag}:`;
      return style.red(
        `  ${short(each.source)} → ${short(each.destination)}: ${why} ${each.status}, ${each.count} times`,
      );
    }),
    '',
    ...tableLines([...left, ...right], rows),
  ];
}
