/**
 * The metrics of one proxy: its edges, the limits and refusals that it counted, and their text for Prometheus. It
 * stands below cluster, router and listener, because all three report to it; it knows none of them.
 */
import { type Counter, Counters, type Gauge } from '../../core/counters.ts';
import { labelText, seriesLines } from '../../core/prometheus-text.ts';
import { Edge, type Direction } from './edge.ts';

/** Beyond these, requests count under `other`: a caller must not be able to grow our memory with host names. */
const MAX_EDGES = 2_000;
const MAX_EGRESS_HOSTS = 200;

/** Envoy's own histogram has similar bounds; milliseconds. */
const BUCKETS_MS = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000] as const;

export class Telemetry {
  readonly counters: Counters;
  /** The service that this proxy stands beside, `catalog.shop`. */
  readonly service: string;
  /** Exchanges in flight. */
  readonly active: Gauge;
  /** Of them, those that carry raw bytes: WebSockets and CONNECT. They are counted as requests when they end. */
  readonly tunnels: Gauge;
  readonly #edges = new Map<string, Edge>();
  readonly #egressHosts = new Set<string>();

  constructor(service: string, counters: Counters = new Counters()) {
    this.service = service;
    this.counters = counters;
    this.active = counters.gauge('weft_requests_active');
    this.tunnels = counters.gauge('weft_tunnels_active');
  }

  /** The same edge for the same names. */
  edge(direction: Direction, source: string, destination: string, mtls: boolean): Edge {
    const key = `${direction}\n${source}\n${destination}\n${mtls}`;
    const known = this.#edges.get(key);
    if (known !== undefined) return known;
    if (this.#edges.size >= MAX_EDGES && source !== 'other') return this.edge(direction, 'other', 'other', mtls);
    const edge = new Edge(this.counters, direction, source, destination, mtls);
    this.#edges.set(key, edge);
    return edge;
  }

  /** Traffic that leaves the mesh, by host without port. */
  egressEdge(host: string): Edge {
    if (!this.#egressHosts.has(host)) {
      if (this.#egressHosts.size >= MAX_EGRESS_HOSTS) return this.edge('outbound', this.service, 'egress:other', false);
      this.#egressHosts.add(host);
    }
    return this.edge('outbound', this.service, `egress:${host}`, false);
  }

  edges(): IterableIterator<Edge> {
    return this.#edges.values();
  }

  /** A bound that fired, by its name and by whom it concerns. */
  limit(name: string, of: string): Counter {
    return this.counters.counter('weft_limit_fired_total', { limit: name, of });
  }

  /** A copy of a request, by where it went and how it ended. */
  mirrored(cluster: string, outcome: string): Counter {
    return this.counters.counter('weft_mirrored_requests_total', { cluster, outcome });
  }

  /** A connection that was refused before it carried anything. */
  refusal(listener: string, reason: string): Counter {
    return this.counters.counter('weft_connections_refused_total', { listener, reason });
  }

  prometheus(): string {
    const lines = seriesLines(this.counters.series());
    lines.push('# TYPE weft_request_duration_ms histogram');
    for (const edge of this.#edges.values()) {
      if (edge.duration.count > 0) lines.push(...histogramLines(edge));
    }
    return `${lines.join('\n')}\n`;
  }
}

function histogramLines(edge: Edge): string[] {
  const labels = edge.labels();
  const name = 'weft_request_duration_ms';
  const lines = BUCKETS_MS.map(
    (bound) => `${name}_bucket${labelText({ ...labels, le: String(bound) })} ${edge.duration.countAtMost(bound)}`,
  );
  lines.push(`${name}_bucket${labelText({ ...labels, le: '+Inf' })} ${edge.duration.count}`);
  lines.push(`${name}_sum${labelText(labels)} ${edge.duration.sumMs}`);
  lines.push(`${name}_count${labelText(labels)} ${edge.duration.count}`);
  return lines;
}
