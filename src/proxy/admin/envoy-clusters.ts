/** `/clusters` of Envoy's admin endpoint: as lines, and as envoy.admin.v3.Clusters in JSON. */
import type { Limit } from '../../core/limit.ts';
import { HEALTH } from '../../snapshot/balance/balancer.ts';
import type { EndpointAddress, Locality } from '../../snapshot/snapshot.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { EndpointState } from '../cluster/endpoint-state.ts';

/** Envoy's `failed_*` flags of a host, and what it says of one that is well. */
function healthFlags(host: EndpointState): string {
  const flags = [
    host.checkFault === '' ? '' : '/failed_active_hc',
    (host.monitor?.ejection ?? null) === null ? '' : '/failed_outlier_check',
    host.endpoint.health === 'unhealthy' ? '/failed_eds_health' : '',
    host.endpoint.health === 'degraded' ? '/degraded_eds_health' : '',
    host.endpoint.health === 'draining' ? '/eds_status_draining' : '',
  ].join('');
  return flags === '' ? 'healthy' : flags;
}

interface HostStat {
  readonly name: string;
  readonly value: number;
  readonly isGauge: boolean;
}

function hostStats(host: EndpointState): readonly HostStat[] {
  const open = [host.http?.sizes, host.tunnels?.sizes];
  const connections = open.reduce((sum, sizes) => sum + (sizes === undefined ? 0 : sizes.idle + sizes.busy), 0);
  return [
    { name: 'cx_active', value: connections, isGauge: true },
    { name: 'cx_connect_fail', value: host.connectFailures, isGauge: false },
    { name: 'rq_active', value: host.active, isGauge: true },
    { name: 'rq_error', value: host.failures, isGauge: false },
    { name: 'rq_success', value: Math.max(0, host.requests - host.failures - host.active), isGauge: false },
    { name: 'rq_total', value: host.requests, isGauge: false },
  ];
}

export function clustersText(clusters: Iterable<Cluster>): string {
  const lines: string[] = [];
  for (const cluster of clusters) {
    const { name } = cluster;
    lines.push(`${name}::observability_name::${name}`);
    for (const [limit, max] of thresholds(cluster)) {
      lines.push(`${name}::default_priority::${limit}::${max}`);
    }
    lines.push(`${name}::added_via_api::${cluster.config.edsName !== '' || cluster.config.origin !== ''}`);
    if (cluster.config.edsName !== '') lines.push(`${name}::eds_service_name::${cluster.config.edsName}`);
    for (const host of cluster.hosts) {
      const of = `${name}::${host.key}`;
      for (const stat of hostStats(host)) lines.push(`${of}::${stat.name}::${stat.value}`);
      const { region, zone, subZone } = host.endpoint.locality;
      lines.push(
        `${of}::hostname::${host.hostname}`,
        `${of}::health_flags::${healthFlags(host)}`,
        `${of}::weight::${host.endpoint.weight}`,
        `${of}::region::${region}`,
        `${of}::zone::${zone}`,
        `${of}::sub_zone::${subZone}`,
        `${of}::canary::false`,
        `${of}::priority::${host.endpoint.priority}`,
        `${of}::success_rate::-1`,
        `${of}::local_origin_success_rate::-1`,
      );
    }
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

export function clustersJson(clusters: Iterable<Cluster>) {
  return { cluster_statuses: [...clusters].map(clusterStatus) };
}

function clusterStatus(cluster: Cluster) {
  const threshold = Object.fromEntries(thresholds(cluster));
  return {
    name: cluster.name,
    observability_name: cluster.name,
    added_via_api: cluster.config.edsName !== '' || cluster.config.origin !== '',
    ...(cluster.config.edsName === '' ? {} : { eds_service_name: cluster.config.edsName }),
    circuit_breakers: { thresholds: [threshold] },
    host_statuses: cluster.hosts.map((host) => ({
      address: addressJson(host.address),
      stats: hostStats(host).map(({ name, value, isGauge }) => ({
        name,
        ...(value === 0 ? {} : { value: String(value) }),
        ...(isGauge ? { type: 'GAUGE' } : {}),
      })),
      health_status: {
        eds_health_status: host.endpoint.health.toUpperCase(),
        ...(host.checkFault === '' ? {} : { failed_active_health_check: true }),
        ...((host.monitor?.ejection ?? null) === null ? {} : { failed_outlier_check: true }),
        ...(host.health === HEALTH.degraded ? { failed_active_degraded_check: true } : {}),
      },
      weight: host.endpoint.weight,
      priority: host.endpoint.priority,
      ...(host.hostname === '' ? {} : { hostname: host.hostname }),
      locality: localityJson(host.endpoint.locality),
    })),
  };
}

/** Empty parts are left out, as in Envoy's JSON. */
export function localityJson({ region, zone, subZone }: Locality) {
  return {
    ...(region === '' ? {} : { region }),
    ...(zone === '' ? {} : { zone }),
    ...(subZone === '' ? {} : { sub_zone: subZone }),
  };
}

function thresholds({ circuit }: Cluster): readonly (readonly [name: string, max: number])[] {
  const of = ({ name, max }: Limit) => [name, max] as const;
  return [circuit.connections, circuit.pending, circuit.requests, circuit.retries].map(of);
}

function addressJson(address: EndpointAddress) {
  return address.kind === 'internal'
    ? { envoy_internal_address: { server_listener_name: address.listener } }
    : { socket_address: { address: address.host, port_value: address.port } };
}
