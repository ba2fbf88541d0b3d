/**
 * A snapshot and the objects that act on it. It is replaced whole when a push is applied; an exchange keeps the one it
 * began with, so that no request sees half of a change.
 */
import type { HttpManager, Snapshot } from '../../snapshot/snapshot.ts';
import type { RouteTable } from '../../snapshot/route-table.ts';
import type { Cluster } from '../cluster/cluster.ts';

export interface Binding {
  readonly snapshot: Snapshot;
  /** Null when a route names a cluster that was never sent (response flag NC). */
  cluster(name: string): Cluster | null;
  /** Null when the listener names a table that has not come yet: no route matches then. */
  routes(manager: HttpManager): RouteTable | null;
}

/** `clusters` is not changed afterwards. */
export function createBinding(snapshot: Snapshot, clusters: ReadonlyMap<string, Cluster>): Binding {
  return {
    snapshot,
    cluster: (name) => clusters.get(name) ?? null,
    routes: ({ routes }) => (typeof routes === 'string' ? (snapshot.routes.get(routes) ?? null) : routes),
  };
}
