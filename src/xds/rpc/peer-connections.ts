/** How many connections each peer has, by the name of its certificate: one proxy gone wrong must not take the places of all. */
import type { PeerCertificate } from '../../core/runtime.ts';

/** A sidecar has one, an agent one for each stream that it relays. */
const MAX_OF_ONE = 256;

export class PeerConnections {
  readonly max = MAX_OF_ONE;
  readonly #counts = new Map<string, number>();

  /** False when it has as many as it may. Without a certificate, which is on this machine alone, it is not counted. */
  enter(peer: PeerCertificate | null): boolean {
    if (peer === null) return true;
    const count = this.#counts.get(peer.commonName) ?? 0;
    if (count >= this.max) return false;
    this.#counts.set(peer.commonName, count + 1);
    return true;
  }

  /** Of one that entered. */
  leave(peer: PeerCertificate | null): void {
    if (peer === null) return;
    const count = this.#counts.get(peer.commonName) ?? 0;
    if (count > 1) this.#counts.set(peer.commonName, count - 1);
    else this.#counts.delete(peer.commonName);
  }
}
