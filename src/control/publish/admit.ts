/**
 * Whether a proxy is who it says: the node id of its first message must agree with the certificate of its connection.
 * Otherwise one workload could read the configuration, and so the neighbours, of another.
 */
import type { PeerCertificate } from '../../core/runtime.ts';
import { readSpiffeId, readWorkloadIdentity } from '../../identity/spiffe-id.ts';
import type { Node } from '../../xds/tables/messages.gen.ts';
import type { ProxyNode } from './views.ts';

/** Decides over the account: null accepts, a text refuses and is the reason. */
export type Authorize = (nodeId: string, peer: PeerCertificate) => string | null;

/** RFC 1123 labels, as workloads and namespaces are named. */
const NODE_ID = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)\/([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)$/;

/** The proxy, or the reason of the refusal. The chain of `peer` was verified by TLS. */
export function admit(
  node: Node,
  peer: PeerCertificate,
  authorize: Authorize,
  recordedKind: (nodeId: string) => string = () => '',
): ProxyNode | string {
  const [, namespace, , workload] = NODE_ID.exec(node.id) ?? [];
  if (namespace === undefined || workload === undefined) {
    return `node id ${JSON.stringify(node.id.slice(0, 100))} is not <namespace>/<workload>`;
  }
  // X509-SVID 5.2: exactly one URI SAN.
  const [uri, ...more] = peer.uris;
  if (uri === undefined || more.length > 0) return `the certificate has ${peer.uris.length} URI SANs instead of one`;
  const id = readSpiffeId(uri);
  const identity = typeof id === 'string' ? null : readWorkloadIdentity(id);
  if (identity === null) return `${uri.slice(0, 200)} is not the identity of a workload`;
  if (identity.namespace !== namespace) return `${uri} may not be node ${node.id}: the namespaces differ`;
  // The CA puts the name of the workload there; the account alone would let its workloads take each other's places.
  if (peer.commonName !== node.id) {
    return `the certificate is of ${JSON.stringify(peer.commonName.slice(0, 100))}, not of node ${node.id}`;
  }
  const reason = authorize(node.id, peer);
  if (reason !== null) return reason;
  const kind = recordedKind(node.id) || kindSaid(node);
  return {
    id: node.id,
    namespace,
    workload,
    cluster: node.cluster,
    kind,
    onDemand: node.metadata?.['onDemand'] === true,
  };
}

function kindSaid(node: Node): string {
  const kind = node.metadata?.['kind'];
  return typeof kind === 'string' ? kind.slice(0, 20) : '';
}

/** gRPC's own clients name themselves `gRPC Go`, `gRPC C-core`, `gRPC Java`, `gRPC Node Pure JS`. */
export function isGrpcClient(node: ProxyNode, said: Node | undefined): boolean {
  return node.kind === 'grpc' || /^grpc/i.test(said?.userAgentName ?? '');
}
