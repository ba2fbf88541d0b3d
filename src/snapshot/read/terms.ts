/** What a proxy lets its control plane say, besides what it can do: a sidecar of a mesh and a proxy under a bootstrap differ. */
import type { ResourceSource } from '../../xds/client/resource-source.ts';

export interface Terms {
  /** Whether it asks this source for what a resource refers to. */
  readonly asks: (source: ResourceSource) => boolean;
  /**
   * `mesh`: TLS is the mesh's, keys are bound locally and never come over xDS, and a peer is who its SPIFFE id says.
   * `own`: keys, roots and names are what the resources say.
   */
  readonly tls: 'mesh' | 'own';
  /** Why listeners cannot go by the destination that a connection had before the kernel redirected it; null: they can. */
  readonly noOriginalDestination: () => string | null;
}

/** Of a sidecar: everything comes over the one aggregated stream. */
export const MESH_TERMS: Terms = {
  asks: ({ kind }) => kind === 'ads',
  tls: 'mesh',
  noOriginalDestination: () => 'a sidecar is told by its address where a connection goes',
};
