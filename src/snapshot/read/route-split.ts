/**
 * What weighted clusters say besides their weights (fields, host, filters): each is a route entry of its own, so that a
 * request which has chosen one is treated like that of any other route.
 */
import type { Route, WeightedCluster_ClusterWeight as Message } from '../../xds/tables/messages.gen.ts';
import type { RouteEntry } from '../route-table.ts';
import { type FieldLevel, mergeEdits, readHeaderEdits } from './header-edits.ts';
import { type FilterModules, mergeOverrides, readOverrides } from './http-filters.ts';

/** Of the levels above a weighted cluster. */
interface Above {
  /** From the route on. */
  readonly levels: readonly FieldLevel[];
  readonly mostSpecificWins: boolean;
}

/** null: they say nothing. */
export function readSplit(
  where: string,
  { action: message }: Route,
  entry: RouteEntry,
  { levels, mostSpecificWins }: Above,
  modules: FilterModules,
): readonly RouteEntry[] | null {
  const { action } = entry;
  if (message.case !== 'route' || action.kind !== 'forward') return null;
  const { clusterSpecifier } = message.value;
  if (clusterSpecifier.case !== 'weightedClusters') return null;
  const { clusters } = clusterSpecifier.value;
  if (!clusters.some(saysMore)) return null;
  return clusters.map((cluster, i): RouteEntry => {
    const at = `${where}.route.weighted_clusters.clusters[${i}]`;
    const literal = cluster.hostRewriteSpecifier.value ?? '';
    // The route has the last word on the host, as Envoy applies it later.
    const host = action.host === null && literal !== '' ? ({ kind: 'literal', value: literal } as const) : action.host;
    return {
      ...entry,
      action: { ...action, clusters: action.clusters.slice(i, i + 1), host },
      overrides: mergeOverrides(
        entry.overrides,
        readOverrides(`${at}.typed_per_filter_config`, cluster.typedPerFilterConfig, modules),
      ),
      // First also where the most specific level wins: to Envoy the cluster is none of the levels.
      edits: mergeEdits(levels, mostSpecificWins, [readHeaderEdits(at, cluster)]),
    };
  });
}

function saysMore(cluster: Message): boolean {
  const edits = [
    cluster.requestHeadersToAdd,
    cluster.requestHeadersToRemove,
    cluster.responseHeadersToAdd,
    cluster.responseHeadersToRemove,
  ];
  return (
    edits.some((each) => each.length > 0) ||
    cluster.typedPerFilterConfig.size > 0 ||
    cluster.hostRewriteSpecifier.case !== undefined
  );
}
