/**
 * `/stats` of Envoy's admin endpoint. State that Envoy names has Envoy's name, so that dashboards and tools find it; what
 * Weft counts by edge stands beside it under its own.
 */
import type { Address } from '../../core/runtime.ts';
import type { SubsetCounts } from '../../snapshot/balance/subset-balancer.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { ActiveListener } from '../listener/active-listener.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

export interface Stat {
  /** As in the text form: `cluster.catalog.membership_healthy`. */
  readonly name: string;
  /** As in Prometheus' form, with what was cut out of the name as labels. */
  readonly metric: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly kind: 'counter' | 'gauge';
  readonly value: number;
}

export interface ServerFacts {
  readonly clusters: Iterable<Cluster>;
  readonly listeners: readonly ActiveListener[];
  /** Of those that have a socket, by name. */
  readonly addresses: readonly { readonly name: string; readonly address: Address }[];
  readonly telemetry: Telemetry;
  readonly live: boolean;
  readonly draining: boolean;
  readonly connectedToControlPlane: boolean;
  readonly uptimeMs: number;
  readonly bindFailures: number;
  readonly warmingClusters: number;
  /** null: no certificate. */
  readonly daysUntilExpiry: number | null;
}

/** Envoy's numbers of envoy.admin.v3.ServerInfo.State. */
function stateOf({ live, draining }: ServerFacts): number {
  if (draining) return 1;
  return live ? 0 : 3;
}

/** In Envoy's own order of names. */
export function envoyStats(facts: ServerFacts): readonly Stat[] {
  const clusters = [...facts.clusters];
  const stats: Stat[] = [
    ...clusters.flatMap(clusterStats),
    ...listenerStats(facts),
    gauge('cluster_manager.active_clusters', clusters.length),
    gauge('cluster_manager.warming_clusters', facts.warmingClusters),
    gauge('control_plane.connected_state', Number(facts.connectedToControlPlane)),
    counter('listener_manager.listener_create_failure', facts.bindFailures),
    gauge('listener_manager.total_listeners_active', facts.listeners.length),
    gauge('server.live', Number(facts.live)),
    gauge('server.state', stateOf(facts)),
    gauge('server.uptime', Math.floor(facts.uptimeMs / 1000)),
    ...(facts.daysUntilExpiry === null ? [] : [gauge('server.days_until_first_cert_expiring', facts.daysUntilExpiry)]),
  ];
  return together(stats).sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** Of one name there is one: clusters that share theirs (`alt_stat_name`) are counted together, as in Envoy. */
function together(stats: readonly Stat[]): Stat[] {
  const by = new Map<string, Stat>();
  for (const stat of stats) {
    const before = by.get(stat.name);
    by.set(stat.name, before === undefined ? stat : { ...stat, value: before.value + stat.value });
  }
  return [...by.values()];
}

function clusterStats(cluster: Cluster): readonly Stat[] {
  const { circuit, hosts } = cluster;
  const healthy = hosts.filter(({ fault }) => fault === '').length;
  const of = (name: string, kind: Stat['kind'], value: number): Stat => ({
    name: `cluster.${cluster.config.statName}.${name}`,
    metric: `envoy_cluster_${name}`,
    labels: { envoy_cluster_name: cluster.config.statName },
    kind,
    value,
  });
  return [
    of('membership_total', 'gauge', hosts.length),
    of('membership_healthy', 'gauge', healthy),
    of('membership_degraded', 'gauge', hosts.filter(({ endpoint }) => endpoint.health === 'degraded').length),
    of('upstream_cx_active', 'gauge', circuit.connections.used),
    of('upstream_cx_overflow', 'counter', circuit.connections.refused),
    of('upstream_rq_active', 'gauge', circuit.requests.used),
    of('upstream_rq_pending_active', 'gauge', circuit.pending.used),
    of('upstream_rq_pending_overflow', 'counter', circuit.pending.refused + circuit.requests.refused),
    of('upstream_rq_retry_overflow', 'counter', circuit.retries.refused),
    ...(cluster.subsets === null
      ? []
      : subsetStats(cluster.subsets).map(([name, kind, value]) => of(name, kind, value))),
  ];
}

function subsetStats(counts: SubsetCounts): readonly (readonly [name: string, kind: Stat['kind'], value: number])[] {
  return [
    ['lb_subsets_active', 'gauge', counts.active],
    ['lb_subsets_created', 'counter', counts.created],
    ['lb_subsets_removed', 'counter', counts.removed],
    ['lb_subsets_selected', 'counter', counts.selected],
    ['lb_subsets_fallback', 'counter', counts.fallback],
    ['lb_subsets_fallback_panic', 'counter', counts.fallbackPanic],
  ];
}

/** Envoy names a listener by its address, with underscores for colons. */
function listenerStats({ listeners, addresses }: ServerFacts): readonly Stat[] {
  const bound = new Map(addresses.map(({ name, address }) => [name, address]));
  return listeners.flatMap((listener) => {
    const address = bound.get(listener.name);
    return address === undefined ? [] : connectionsOf(listener, address);
  });
}

function connectionsOf({ connections }: ActiveListener, { host, port }: Address): readonly Stat[] {
  const at = `${host.includes(':') ? `[${host}]` : host}_${port}`.replaceAll(':', '_');
  return [
    {
      name: `listener.${at}.downstream_cx_active`,
      metric: 'envoy_listener_downstream_cx_active',
      labels: { envoy_listener_address: at },
      kind: 'gauge',
      value: connections,
    },
  ];
}

function gauge(name: string, value: number): Stat {
  return { name, metric: `envoy_${name.replaceAll('.', '_')}`, labels: {}, kind: 'gauge', value };
}

function counter(name: string, value: number): Stat {
  return { ...gauge(name, value), kind: 'counter' };
}

/** What Weft counts, in the same form: labels stand in the name as Prometheus writes them. */
export function weftStats(telemetry: Telemetry): readonly Stat[] {
  return [...telemetry.counters.series()].map(({ name, labels, kind, value }) => {
    const text = Object.entries(labels).map(([label, of]) => `${label}="${of}"`);
    return { name: text.length === 0 ? name : `${name}{${text.join(',')}}`, metric: name, labels, kind, value };
  });
}

/** `name: value`, a line each. */
export function statsText(stats: readonly Stat[]): string {
  return stats.map(({ name, value }) => `${name}: ${value}\n`).join('');
}

export function statsJson(stats: readonly Stat[]) {
  return { stats: stats.map(({ name, value }) => ({ name, value })) };
}

/** Prometheus' text of those that Envoy names. */
export function statsPrometheus(stats: readonly Stat[]): string {
  const lines: string[] = [];
  let last = '';
  const sorted = [...stats].sort((a, b) => (a.metric < b.metric ? -1 : a.metric > b.metric ? 1 : 0));
  for (const { metric, labels, kind, value } of sorted) {
    if (metric !== last) lines.push(`# TYPE ${metric} ${kind}`);
    last = metric;
    const text = Object.entries(labels).map(([name, of]) => `${name}="${of.replaceAll(/["\\\n]/g, '_')}"`);
    lines.push(`${metric}{${text.join(',')}} ${value}`);
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}
