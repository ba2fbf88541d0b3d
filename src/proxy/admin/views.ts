/** What the admin endpoint shows, as plain data out of the objects that know it. No keys, no tokens, no bodies. */
import type { Clusters } from '../cluster/clusters.ts';
import type { MeshIdentity } from '../cluster/mesh-identity.ts';
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
      endpoints: cluster.hosts.map((host) => ({
        key: host.key,
        workload: host.endpoint.workload,
        weight: host.endpoint.weight,
        healthy: host.healthy,
        ejectedMs: Math.max(0, Math.round(host.ejectedUntil - now)),
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

export function certificatesView(identity: MeshIdentity) {
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
