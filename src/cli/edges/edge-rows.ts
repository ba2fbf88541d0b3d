/** Edges as `top` and `dev` show them: rates, success and latencies of the last interval. */
import type { Style } from '../output/style.ts';
import { tableLines } from '../output/table.ts';
import { type Arrow, failuresOf, requestsOf } from './edge-totals.ts';
import { quantile } from './quantile.ts';

export interface EdgeRate {
  readonly source: string;
  readonly destination: string;
  /** The share with mTLS of what was carried, in [0, 1]; null when nothing was. */
  readonly mtls: number | null;
  readonly rps: number;
  /** In [0, 1]; null without requests. */
  readonly success: number | null;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly connectionsPerSecond: number;
  readonly bytesPerSecond: number;
}

/** `edges`: what happened in `seconds`. By source, then destination. */
export function edgeRates(edges: readonly Arrow[], seconds: number): EdgeRate[] {
  const per = (amount: number) => (seconds > 0 ? amount / seconds : 0);
  return edges
    .map((edge) => {
      const requests = requestsOf(edge);
      return {
        source: edge.source,
        destination: edge.destination,
        mtls: edge.carried === 0 ? null : edge.secure / edge.carried,
        rps: per(requests),
        success: requests === 0 ? null : 1 - failuresOf(edge) / requests,
        p50Ms: quantile(edge.buckets, 0.5),
        p95Ms: quantile(edge.buckets, 0.95),
        p99Ms: quantile(edge.buckets, 0.99),
        connectionsPerSecond: per(edge.connections),
        bytesPerSecond: per(edge.bytes),
      };
    })
    .sort((a, b) => compare(a.source, b.source) || compare(a.destination, b.destination));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const LEFT = ['SOURCE', '', 'DESTINATION', 'MTLS'].map((title) => ({ title }));
const RIGHT = ['RPS', 'SUCCESS', 'P50', 'P95', 'P99', 'TCP/S', 'BYTES/S'].map((title) => ({ title, right: true }));

/** `namespace`: left out of names that are in it. */
export function edgeLines(rates: readonly EdgeRate[], style: Style, namespace: string): string[] {
  const short = (name: string) => (name.endsWith(`.${namespace}`) ? name.slice(0, -namespace.length - 1) : name);
  return tableLines(
    [...LEFT, ...RIGHT],
    rates.map((rate) => [
      short(rate.source),
      style.dim('→'),
      short(rate.destination),
      mtlsText(rate, style),
      rate.rps === 0 ? style.dim('–') : rate.rps.toFixed(1),
      successText(rate.success, style),
      ...[rate.p50Ms, rate.p95Ms, rate.p99Ms].map((ms) => latencyText(ms, style)),
      rate.connectionsPerSecond === 0 ? style.dim('–') : rate.connectionsPerSecond.toFixed(1),
      rate.bytesPerSecond === 0 ? style.dim('–') : bytesText(rate.bytesPerSecond),
    ]),
  );
}

function mtlsText({ mtls, destination }: EdgeRate, style: Style): string {
  if (destination.startsWith('egress:')) return style.dim('–');
  return mtlsShareText(mtls, style);
}

export function mtlsShareText(share: number | null, style: Style): string {
  if (share === null) return style.dim('–');
  if (share === 1) return style.green('yes');
  return share === 0 ? style.red('no') : style.yellow(`${Math.floor(share * 100)}%`);
}

export function successText(success: number | null, style: Style): string {
  if (success === null) return style.dim('–');
  const text = `${(success * 100).toFixed(1)}%`;
  return success >= 0.999 ? style.green(text) : success >= 0.95 ? style.yellow(text) : style.red(text);
}

export function latencyText(ms: number | null, style: Style): string {
  if (ms === null) return style.dim('–');
  return ms < 10 ? `${ms.toFixed(1)}ms` : ms < 10_000 ? `${Math.round(ms)}ms` : `${(ms / 1000).toFixed(1)}s`;
}

function bytesText(bytes: number): string {
  if (bytes < 1_000) return `${Math.round(bytes)}B`;
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)}kB` : `${(bytes / 1_000_000).toFixed(1)}MB`;
}
