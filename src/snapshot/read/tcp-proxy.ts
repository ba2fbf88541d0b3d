/** Envoy's TcpProxy → TcpProxy. */
import { TcpProxyConfigTable } from '../../xds/tables/tables.gen.ts';
import type { WeightedCluster } from '../route-table.ts';
import type { TcpProxy } from '../snapshot.ts';
import type { TcpProxyConfig } from '../../xds/tables/messages.gen.ts';
import { readAccessLogs } from './access-log.ts';
import { readTcpDemand } from './on-demand.ts';
import { decodeConfig } from './decode-config.ts';
import { invalid, refuseSet, unsupported } from './problem.ts';
import { readSubsetMatch } from './read-subsets.ts';
import { MESH_TERMS, type Terms } from './terms.ts';
import { checkWeights } from './weighted-clusters.ts';

/** Envoy's default for `idle_timeout`. */
const IDLE_MS = 3_600_000;

/** Throws a WeftError with the path below the filter's `typed_config`. */
export function readTcpProxy(config: Uint8Array, terms: Terms = MESH_TERMS): TcpProxy {
  const message = decodeConfig(TcpProxyConfigTable, config);
  refuseSet('max_downstream_connection_duration', message.maxDownstreamConnectionDuration);
  return {
    kind: 'tcp',
    statPrefix: message.statPrefix,
    clusters: readClusters(message),
    demandMs: readTcpDemand(message),
    hashesSource: readHashPolicy(message),
    idleTimeoutMs: message.idleTimeout ?? IDLE_MS,
    accessLogs: readAccessLogs('access_log', message.accessLog, terms),
  };
}

function readHashPolicy({ hashPolicy }: TcpProxyConfig): boolean {
  const [policy, ...more] = hashPolicy;
  if (policy === undefined) return false;
  // As in Envoy.
  if (more.length > 0) throw invalid('hash_policy', 'at most one');
  if (policy.policySpecifier.case !== 'sourceIp') throw unsupported('hash_policy[0]', 'only source_ip is known');
  return true;
}

function readClusters(message: TcpProxyConfig): readonly WeightedCluster[] {
  const specifier = message.clusterSpecifier;
  switch (specifier.case) {
    case undefined:
      throw invalid('cluster_specifier', 'required');
    case 'cluster':
      return checkWeights('cluster', [
        { name: specifier.value, weight: 1, header: null, subset: readSubsetMatch(message.metadataMatch, undefined) },
      ]);
    case 'weightedClusters': {
      const where = 'weighted_clusters.clusters';
      const clusters = specifier.value.clusters.map(({ name, weight, metadataMatch }) => ({
        name,
        header: null,
        weight,
        subset: readSubsetMatch(message.metadataMatch, metadataMatch),
      }));
      return checkWeights(where, clusters);
    }
  }
}
