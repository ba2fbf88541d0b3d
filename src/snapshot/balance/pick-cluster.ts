/** Choice among the weighted clusters of a route or a TCP proxy: a canary's share is decided here. */
import type { WeightedCluster } from '../route-table.ts';

/** `random01` is uniform in [0, 1). Clusters of weight 0 get nothing. The array is not empty and its weights sum to more than 0. */
export function pickCluster(clusters: readonly WeightedCluster[], random01: number): WeightedCluster {
  const first = clusters[0] as WeightedCluster;
  if (clusters.length === 1) return first;
  let total = 0;
  for (const cluster of clusters) total += cluster.weight;
  let rest = random01 * total;
  let last = first;
  for (const cluster of clusters) {
    if (cluster.weight === 0) continue;
    rest -= cluster.weight;
    if (rest < 0) return cluster;
    last = cluster;
  }
  return last;
}
