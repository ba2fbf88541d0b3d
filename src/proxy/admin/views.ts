/** What the admin endpoint shows, as plain data out of the objects that know it. No keys, no tokens, no bodies. */
import { HEALTH } from '../../snapshot/balance/balancer.ts';
import { latencyAt } from '../../snapshot/balance/pick-peak-ewma.ts';
import { slowWeight } from '../../snapshot/balance/slow-start.ts';
import type { Locality } from '../../snapshot/snapshot.ts';
import type { Clusters } from '../cluster/clusters.ts';
import type { Identity } from '../cluster/identity.ts';
import type { Edge } from '../telemetry/edge.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

/** Upper bounds of the histogram that `/edges` gives, in ms: each 1.2 times the one before, so a quantile is good to a tenth. */
const EDGE_BOUNDS_MS: readonly number[] = Array.from({ length: 76 }, (_, i) => Number((0.1 * 1.2 ** i).toPrecision(3)));

export interface EdgeView {
  readonly direction: string;
  readonly source: string;
  readonly destination: string;
  readonly mtls: boolean;
  readonly requests: number;
  readonly failures: number;
  readonly tcpConnections: number;
  readonly tcpBytes: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  /** Requests that took at most `boundsMs[i]`, since the start: subtract two readings to get a span. */
  readonly cumulative: readonly number[];
}

export function edgesView(telemetry: Telemetry, wallMs: number) {
  const edges = [...telemetry.edges()].filter(({ requests, tcpConnections }) => requests + tcpConnections > 0);
  return { service: telemetry.service, at: wallMs, boundsMs: EDGE_BOUNDS_MS, edges: edges.map(edgeView) };
}

function edgeView(edge: Edge): EdgeView {
  const { direction, source, destination, mtls, requests, failures, tcpConnections, tcpBytes, duration } = edge;
  return {
    direction,
    source,
    destination,
    mtls,
    requests,
    failures,
    tcpConnections,
    tcpBytes,
    p50Ms: duration.quantile(0.5),
    p95Ms: duration.quantile(0.95),
    p99Ms: duration.quantile(0.99),
    cumulative: requests === 0 ? [] : EDGE_BOUNDS_MS.map((bound) => duration.countAtMost(bound)),
  };
}

export function clustersView(clusters: Clusters, now: number) {
  return [...clusters.current.values()].map((cluster) => {
    const { connections, pending, requests, retries } = cluster.circuit;
    const { policy, slowStart, ewmaDecayMs } = cluster.config.balance;
    return {
      name: cluster.name,
      service: cluster.config.service,
      origin: cluster.config.origin,
      limits: [connections, pending, requests, retries].map(({ name, max, used, refused, peak }) => ({
        name,
        max,
        used,
        refused,
        peak,
      })),
      policy,
      /** Per cent of the requests, by priority. */
      load: cluster.plan.loads,
      endpoints: cluster.hosts.map((host) => ({
        key: host.key,
        workload: host.endpoint.workload,
        weight: host.endpoint.weight,
        priority: host.endpoint.priority,
        locality: localityText(host.endpoint.locality),
        healthy: host.health <= HEALTH.degraded,
        degraded: host.health === HEALTH.degraded,
        fault: host.fault,
        outMs: Math.max(0, Math.round(host.outUntil - now)),
        inServiceMs: Math.round(now - host.inServiceSince),
        effectiveWeight: slowStart === null ? host.endpoint.weight : slowWeight(host, now, slowStart),
        latencyMs: policy === 'peak-ewma' ? latencyAt(host.latency, now, ewmaDecayMs) : null,
        mtls: host.secure,
        active: host.active,
        requests: host.requests,
        failures: host.failures,
        connectFailures: host.connectFailures,
        http: host.http?.sizes ?? null,
        tcp: host.tunnels?.sizes ?? null,
      })),
    };
  });
}

function localityText({ region, zone, subZone }: Locality): string {
  return [region, zone, subZone].filter((part) => part !== '').join('/');
}

export function certificatesView(identity: Identity) {
  const { svid } = identity;
  if (svid === null) return { valid: false, reason: identity.fault };
  return {
    valid: identity.valid,
    reason: identity.fault,
    id: svid.id,
    notBefore: new Date(svid.notBefore).toISOString(),
    notAfter: new Date(svid.notAfter).toISOString(),
    certificateChainPem: svid.certificateChainPem,
    bundles: identity.bundleNames,
  };
}

export function statsView(telemetry: Telemetry) {
  return [...telemetry.counters.series()].map(({ name, labels, kind, value }) => ({ name, labels, kind, value }));
}
