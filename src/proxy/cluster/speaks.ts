/** The protocol of one endpoint: a cluster's endpoints behind sidecars and those without may speak different ones. */
import type { ClusterConfig } from '../../snapshot/snapshot.ts';

export function speaks(
  { protocol, clearProtocol }: ClusterConfig,
  { transport }: { readonly transport: object | null },
): ClusterConfig['protocol'] {
  return protocol === 'http2' && transport === null ? clearProtocol : protocol;
}
