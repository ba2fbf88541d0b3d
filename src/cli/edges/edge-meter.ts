/** Remembers the last look at every proxy, so that each new one gives what happened in between. */
import type { Workload } from '../../api/kinds/workload.ts';
import { type Arrow, arrowsOf, difference, edgeKey, type EdgeTotals } from './edge-totals.ts';
import type { ScrapedWorkload } from './scrape.ts';

export interface WorkloadActivity {
  readonly workload: Workload;
  readonly reachable: boolean;
  readonly edges: readonly EdgeTotals[];
}

export interface Activity {
  readonly seconds: number;
  /** As callers see it: the outbound side, merged over the instances of a service. */
  readonly edges: readonly Arrow[];
  readonly workloads: readonly WorkloadActivity[];
}

export class EdgeMeter {
  readonly #last = new Map<string, ReadonlyMap<string, EdgeTotals>>();
  #lastMs: number | null = null;

  /** What happened since the call before; at first, since the proxies started (`seconds` is 0 then). */
  read(scraped: readonly ScrapedWorkload[], nowMs: number): Activity {
    const seconds = this.#lastMs === null ? 0 : (nowMs - this.#lastMs) / 1000;
    this.#lastMs = nowMs;
    const workloads = scraped.map(({ workload, edges }) => {
      if (edges === null) return { workload, reachable: false, edges: [] };
      // By admin port too: an instance of the same name that started again counts from zero.
      const id = `${workload.metadata.namespace}/${workload.metadata.name} ${workload.spec?.adminPort}`;
      const before = this.#last.get(id);
      this.#last.set(id, new Map(edges.map((edge) => [edgeKey(edge), edge])));
      return { workload, reachable: true, edges: edges.map((edge) => difference(edge, before?.get(edgeKey(edge)))) };
    });
    const outbound = workloads.flatMap((each) => each.edges.filter((edge) => edge.direction === 'outbound'));
    return { seconds, edges: arrowsOf(outbound), workloads };
  }
}
