/** Weighted clusters of a route or a TCP proxy. */
import type { WeightedCluster } from '../route-table.ts';
import { invalid } from './problem.ts';

/** Envoy's bound on the sum (`WeightedCluster.total_weight` is a uint32). */
const MAX_TOTAL = 0xffff_ffff;

export function checkWeights(where: string, clusters: readonly WeightedCluster[]): readonly WeightedCluster[] {
  let total = 0;
  clusters.forEach(({ name, header, weight }, i) => {
    if (name === '' && header === null) throw invalid(`${where}[${i}].name`, 'required');
    total += weight;
  });
  if (total === 0 || total > MAX_TOTAL) throw invalid(where, `weights sum to ${total}`);
  return clusters;
}
