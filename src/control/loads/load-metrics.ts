/**
 * Load reports of proxies as metrics of services: what a caller sent to each cluster and locality, added up over its
 * instances. A report can only speak of clusters that its proxy was given, and of few places.
 */
import type { Counters } from '../../core/counters.ts';
import type { ClusterLoad, LocalityLoad } from './load-stats.ts';

/** Of one report; what is beyond counts under `other`. */
const MAX_CLUSTERS = 1_000;
const MAX_LOCALITIES = 32;
const MAX_CATEGORIES = 16;
/** Of all reports of a process, for its life. */
const MAX_PLACES = 500;
const OTHER = 'other';
/** More than a proxy can send between two reports; a nonsense number must not spoil a sum. */
const MAX_COUNT = 1e9;

export class LoadMetrics {
  readonly #counters: Counters;
  readonly #places = new Set<string>();
  readonly #categories = new Set<string>();

  constructor(counters: Counters) {
    this.#counters = counters;
  }

  /** Of one reporting stream. `source`: who reports, as its certificate says it. */
  reporter(source: string): LoadReporter {
    return new LoadReporter(
      this.#counters,
      source,
      (locality) => this.#placeOf(locality),
      (category) => known(this.#categories, category, MAX_CATEGORIES),
    );
  }

  #placeOf({ locality }: LocalityLoad): string {
    const place = [locality?.region, locality?.zone, locality?.subZone].filter(Boolean).join('/');
    return known(this.#places, place, MAX_PLACES);
  }
}

type InProgress = Map<string, { readonly labels: Record<string, string>; readonly count: number }>;

export class LoadReporter {
  readonly #counters: Counters;
  readonly #source: string;
  readonly #placeOf: (load: LocalityLoad) => string;
  readonly #categoryOf: (category: string) => string;
  /** Cluster and place → requests in progress, as reported last. */
  #inProgress: InProgress = new Map();

  constructor(
    counters: Counters,
    source: string,
    placeOf: (load: LocalityLoad) => string,
    categoryOf: (category: string) => string,
  ) {
    this.#counters = counters;
    this.#source = source;
    this.#placeOf = placeOf;
    this.#categoryOf = categoryOf;
  }

  /** `clusters`: those that the proxy was given. */
  report(loads: readonly ClusterLoad[], clusters: ReadonlySet<string>): void {
    this.#counters.counter('weft_load_reports_total').add(1);
    const inProgress: InProgress = new Map();
    loads.forEach((load, index) => {
      const isKnown = index < MAX_CLUSTERS && clusters.has(load.clusterName);
      if (!isKnown) this.#counters.counter('weft_load_unknown_clusters_total').add(1);
      const cluster = isKnown ? load.clusterName : OTHER;
      this.#dropped(load, cluster);
      load.upstreamLocalityStats.forEach((locality, at) => {
        const place = isKnown && at < MAX_LOCALITIES ? this.#placeOf(locality) : OTHER;
        const labels = { source: this.#source, cluster, locality: place };
        this.#locality(locality, labels);
        const key = `${cluster}\n${place}`;
        const count = (inProgress.get(key)?.count ?? 0) + countOf(locality.totalRequestsInProgress);
        inProgress.set(key, { labels, count });
      });
    });
    this.#progress(inProgress);
  }

  /** The reporter is gone: nothing of it is in progress. */
  close(): void {
    this.#progress(new Map());
  }

  #locality(load: LocalityLoad, labels: Record<string, string>): void {
    const requests = (result: string) => this.#counters.counter('weft_load_requests_total', { ...labels, result });
    requests('success').add(countOf(load.totalSuccessfulRequests));
    requests('error').add(countOf(load.totalErrorRequests));
    this.#counters.counter('weft_load_requests_issued_total', labels).add(countOf(load.totalIssuedRequests));
  }

  #dropped({ totalDroppedRequests, droppedRequests }: ClusterLoad, cluster: string): void {
    const add = (category: string, count: number): void => {
      const labels = { source: this.#source, cluster, category };
      if (count > 0) this.#counters.counter('weft_load_requests_dropped_total', labels).add(count);
    };
    let named = 0;
    for (const { category, droppedCount } of droppedRequests.slice(0, MAX_CATEGORIES)) {
      const count = countOf(droppedCount);
      named += count;
      add(this.#categoryOf(category), count);
    }
    add('', Math.max(0, countOf(totalDroppedRequests) - named));
  }

  #progress(next: InProgress): void {
    for (const { labels, count } of this.#inProgress.values()) this.#gauge(labels).add(-count);
    for (const { labels, count } of next.values()) this.#gauge(labels).add(count);
    this.#inProgress = next;
  }

  #gauge(labels: Record<string, string>) {
    return this.#counters.gauge('weft_load_requests_in_progress', labels);
  }
}

function countOf(value: bigint): number {
  return Math.min(Number(value), MAX_COUNT);
}

/** The text if it is or becomes one of `max`, else `other`. */
function known(texts: Set<string>, text: string, max: number): string {
  if (texts.has(text)) return text;
  if (texts.size >= max || text.length > 200) return OTHER;
  texts.add(text);
  return text;
}
