/**
 * Decides whether a peer, whose chain TLS has verified, is the workload that was meant. Pure, so that proxy, control
 * plane and `explain` share it; the answer is null or the reason that is logged and counted.
 */
import type { PeerCertificate } from '../core/runtime.ts';
import { readSpiffeId } from './spiffe-id.ts';

const EKU_SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const EKU_CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

export interface PeerExpectation {
  readonly trustDomain: string;
  /** The peer's role in this handshake. */
  readonly role: 'client' | 'server';
  /** Ids of which the peer must have one; null accepts every id of the trust domain. An empty list accepts nobody. */
  readonly ids: readonly string[] | null;
}

/** X509-SVID 5.2: exactly one URI SAN, which is the identity. `wallMs`: now, milliseconds since the Unix epoch. */
export function verifySpiffePeer(peer: PeerCertificate, expected: PeerExpectation, wallMs: number): string | null {
  const [uri, ...more] = peer.uris;
  if (uri === undefined) return 'certificate has no URI SAN';
  if (more.length > 0) return `certificate has ${peer.uris.length} URI SANs instead of one`;
  const id = readSpiffeId(uri);
  if (typeof id === 'string') return `certificate's URI SAN is not a SPIFFE id: ${id}`;
  if (id.path === '') return "certificate's SPIFFE id names a trust domain and no workload";
  if (id.trustDomain !== expected.trustDomain) {
    return `peer is of trust domain ${id.trustDomain}, expected ${expected.trustDomain}`;
  }
  if (expected.ids !== null && !expected.ids.includes(id.text)) {
    return `peer is ${id.text}, expected ${expected.ids.slice(0, 3).join(' or ') || 'nobody'}`;
  }
  // X509-SVID 4.4: the extension may be absent; when it is there it must allow the role.
  const usage = expected.role === 'client' ? EKU_CLIENT_AUTH : EKU_SERVER_AUTH;
  if (peer.extendedKeyUsages.length > 0 && !peer.extendedKeyUsages.includes(usage)) {
    return `certificate of ${id.text} is not for a TLS ${expected.role}`;
  }
  if (wallMs >= peer.notAfter) return `certificate of ${id.text} expired at ${new Date(peer.notAfter).toISOString()}`;
  return null;
}
