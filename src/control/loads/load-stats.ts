/** The messages of load reporting (envoy.service.load_stats.v3), the fields that are used. Only the control plane knows them. */
import type { Node } from '../../xds/tables/messages.gen.ts';
import { LocalityTable, NodeTable } from '../../xds/tables/tables.gen.ts';
import type { Locality } from '../../xds/tables/messages.gen.ts';
import { KIND, Table } from '../../xds/wire/table.ts';

/** UpstreamLocalityStats. Counts are since the report before. */
export interface LocalityLoad {
  readonly locality: Locality | undefined;
  readonly totalSuccessfulRequests: bigint;
  readonly totalRequestsInProgress: bigint;
  readonly totalErrorRequests: bigint;
  readonly totalIssuedRequests: bigint;
}

/** ClusterStats.DroppedRequests: `category` is that of the drop policy or the circuit breaker. */
export interface DroppedLoad {
  readonly category: string;
  readonly droppedCount: bigint;
}

/** ClusterStats. */
export interface ClusterLoad {
  readonly clusterName: string;
  readonly upstreamLocalityStats: readonly LocalityLoad[];
  readonly totalDroppedRequests: bigint;
  readonly droppedRequests: readonly DroppedLoad[];
}

export interface LoadStatsRequest {
  readonly node: Node | undefined;
  readonly clusterStats: readonly ClusterLoad[];
}

export interface LoadStatsResponse {
  /** Names of clusters; empty with `sendAllClusters`. */
  readonly clusters: readonly string[];
  readonly sendAllClusters: boolean;
  readonly loadReportingInterval: number | undefined; // ms
}

const LocalityLoadTable = new Table<LocalityLoad>('envoy.config.endpoint.v3.UpstreamLocalityStats', () => [
  [1, 'locality', KIND.message, 'optional', () => LocalityTable],
  [2, 'totalSuccessfulRequests', KIND.uint64],
  [3, 'totalRequestsInProgress', KIND.uint64],
  [4, 'totalErrorRequests', KIND.uint64],
  [8, 'totalIssuedRequests', KIND.uint64],
]);

const DroppedLoadTable = new Table<DroppedLoad>('envoy.config.endpoint.v3.ClusterStats.DroppedRequests', () => [
  [1, 'category', KIND.string],
  [2, 'droppedCount', KIND.uint64],
]);

const ClusterLoadTable = new Table<ClusterLoad>('envoy.config.endpoint.v3.ClusterStats', () => [
  [1, 'clusterName', KIND.string],
  [2, 'upstreamLocalityStats', KIND.message, 'list', () => LocalityLoadTable],
  [3, 'totalDroppedRequests', KIND.uint64],
  [5, 'droppedRequests', KIND.message, 'list', () => DroppedLoadTable],
]);

export const LoadStatsRequestTable = new Table<LoadStatsRequest>('envoy.service.load_stats.v3.LoadStatsRequest', () => [
  [1, 'node', KIND.message, 'optional', () => NodeTable],
  [2, 'clusterStats', KIND.message, 'list', () => ClusterLoadTable],
]);

export const LoadStatsResponseTable = new Table<LoadStatsResponse>(
  'envoy.service.load_stats.v3.LoadStatsResponse',
  () => [
    [1, 'clusters', KIND.string, 'list'],
    [2, 'loadReportingInterval', KIND.duration, 'optional'],
    [4, 'sendAllClusters', KIND.bool],
  ],
);
