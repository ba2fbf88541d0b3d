/**
 * The assignment that a cluster waits for. Envoy warms a changed cluster until its assignment arrives again, changed or
 * not (envoy#13009, #33607), so whoever sends the one must know the other.
 */
import type { Cluster_EdsClusterConfig } from '../tables/messages.gen.ts';
import { Cluster_EdsClusterConfigTable } from '../tables/tables.gen.ts';
import { decode } from '../wire/decode.ts';
import { KIND, Table } from '../wire/table.ts';
import type { XdsResource } from '../resource.ts';

interface ClusterHead {
  readonly type: number;
  readonly edsClusterConfig: Cluster_EdsClusterConfig | undefined;
}

const ClusterHeadTable = new Table<ClusterHead>('envoy.config.cluster.v3.Cluster', () => [
  [2, 'type', KIND.enum],
  [3, 'edsClusterConfig', KIND.message, 'optional', () => Cluster_EdsClusterConfigTable],
]);

const known = new WeakMap<XdsResource, string>();

/** Empty when the cluster does not use EDS. */
export function edsNameOf(cluster: XdsResource): string {
  let name = known.get(cluster);
  if (name === undefined) {
    const head = decode(ClusterHeadTable, cluster.bytes);
    const usesEds = head.type === 3;
    name = usesEds ? head.edsClusterConfig?.serviceName || cluster.name : '';
    known.set(cluster, name);
  }
  return name;
}
