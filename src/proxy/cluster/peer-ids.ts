/** Checks a peer against the URI SANs that a configuration accepts, on either side of a handshake. */
import type { PeerCertificate } from '../../core/runtime.ts';
import { verifySpiffePeer } from '../../identity/peer-check.ts';
import type { PeerIdMatch } from '../../snapshot/snapshot.ts';

/** null accepts; a text is the reason of the refusal. `accepted` null: every id of the trust domain; empty: nobody. */
export function checkPeer(
  peer: PeerCertificate,
  role: 'client' | 'server',
  trustDomain: string,
  accepted: readonly PeerIdMatch[] | null,
  wallMs: number,
): string | null {
  const fault = verifySpiffePeer(peer, { trustDomain, role, ids: null }, wallMs);
  if (fault !== null || accepted === null) return fault;
  const id = peer.uris[0] ?? '';
  for (const match of accepted) {
    if (match.kind === 'exact' ? id === match.value : id.startsWith(match.value)) return null;
  }
  const wanted = accepted.slice(0, 3).map((match) => match.value);
  return `peer is ${id}, expected ${wanted.join(' or ') || 'nobody'}`;
}
