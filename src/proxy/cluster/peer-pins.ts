/** Whether a verified peer is one of those that were pinned by digest. */
import type { PeerCertificate } from '../../core/runtime.ts';
import type { PeerPins } from '../../snapshot/snapshot.ts';

/** Null: it is, or nobody was pinned. */
export function pinFault(peer: PeerCertificate, pins: PeerPins | null): string | null {
  if (pins === null) return null;
  const { keyDigest = '', shown } = peer;
  const isPinned = pins.keys.includes(keyDigest) || pins.certificates.includes(shown?.fingerprint256 ?? '');
  return isPinned ? null : 'peer is none whose certificate or key is pinned';
}
