/** The report of `weft dev --json`: what was counted, and which failures nobody meant. Pure. */
import { type Arrow, failuresOf, isFailure, requestsOf } from '../edges/edge-totals.ts';
import { quantile } from '../edges/quantile.ts';

export interface EdgeReport {
  readonly source: string;
  readonly destination: string;
  /** All of it. */
  readonly mtls: boolean;
  readonly requests: number;
  readonly failures: number;
  /** null without requests. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** Of TCP. */
  readonly connections: number;
}

export interface UnexpectedFailure {
  readonly source: string;
  readonly destination: string;
  readonly status: number;
  readonly flag: string;
  readonly count: number;
}

export interface DevReport {
  readonly ok: boolean;
  readonly seconds: number;
  readonly workloads: number;
  readonly requests: number;
  readonly failures: number;
  readonly unexpectedFailures: number;
  /** Of requests and TCP connections inside the mesh that reached an endpoint; null when none did. */
  readonly mtlsShare: number | null;
  /** Applications that ended with an error while it was measured. */
  readonly crashes: number;
  readonly notReady: readonly string[];
  readonly edges: readonly EdgeReport[];
  readonly unexpected: readonly UnexpectedFailure[];
}

export interface ReportFacts {
  readonly seconds: number;
  readonly workloads: number;
  readonly crashes: number;
  /** Workloads that never became ready. */
  readonly notReady: readonly string[];
  /** The callers' side, of the time that was measured. */
  readonly edges: readonly Arrow[];
  /** `catalog.shop` of services with an instance that is marked `expectFailures`. */
  readonly expectedToFail: ReadonlySet<string>;
}

export function devReport(facts: ReportFacts): DevReport {
  const edges = facts.edges
    .filter((edge) => requestsOf(edge) + edge.connections > 0)
    .toSorted((a, b) => (`${a.source} ${a.destination}` < `${b.source} ${b.destination}` ? -1 : 1));
  const inside = edges.filter((edge) => !edge.destination.startsWith('egress:'));
  const carried = sum(inside, (edge) => edge.carried);
  const secure = sum(inside, (edge) => edge.secure);
  const unexpected = edges.flatMap((edge) => unexpectedOf(edge, facts.expectedToFail));
  const unexpectedFailures = sum(unexpected, (each) => each.count);
  return {
    ok: unexpectedFailures === 0 && facts.notReady.length === 0 && facts.crashes === 0,
    seconds: Math.round(facts.seconds * 10) / 10,
    workloads: facts.workloads,
    requests: sum(edges, requestsOf),
    failures: sum(edges, failuresOf),
    unexpectedFailures,
    mtlsShare: carried === 0 ? null : secure / carried,
    crashes: facts.crashes,
    notReady: facts.notReady,
    edges: edges.map((edge) => ({
      source: edge.source,
      destination: edge.destination,
      mtls: edge.carried > 0 && edge.secure === edge.carried,
      requests: requestsOf(edge),
      failures: failuresOf(edge),
      p50Ms: rounded(quantile(edge.buckets, 0.5)),
      p99Ms: rounded(quantile(edge.buckets, 0.99)),
      connections: edge.connections,
    })),
    unexpected,
  };
}

/** An application may be meant to fail; that a proxy had to make the answer is never meant. */
function unexpectedOf(edge: Arrow, expectedToFail: ReadonlySet<string>): UnexpectedFailure[] {
  const { source, destination } = edge;
  return edge.outcomes
    .filter((outcome) => isFailure(outcome) && outcome.count > 0)
    .filter((outcome) => outcome.flag !== '' || !expectedToFail.has(destination))
    .map(({ status, flag, count }) => ({ source, destination, status, flag, count }));
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}

function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 100) / 100;
}
