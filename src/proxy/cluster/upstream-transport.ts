/**
 * TLS towards the endpoints of one cluster: what is offered, and who the peer must be. One object per cluster and
 * transport match; its options are rebuilt when the identity of this workload changes.
 */
import type { PeerCertificate, TlsOptions } from '../../core/runtime.ts';
import type { UpstreamTls } from '../../snapshot/snapshot.ts';
import type { Identity } from './identity.ts';
import { pinFault } from './peer-pins.ts';

export class UpstreamTransport {
  readonly tls: UpstreamTls;
  readonly #identity: Identity;
  readonly #refused: (reason: string) => void;
  #options: TlsOptions | null = null;
  #builtFor = -1;

  /** `refused` counts and logs a peer that is not who it should be. */
  constructor(tls: UpstreamTls, identity: Identity, refused: (reason: string) => void) {
    this.tls = tls;
    this.#identity = identity;
    this.#refused = refused;
  }

  /** Null without a valid identity: nothing is sent then. */
  options(): TlsOptions | null {
    const identity = this.#identity.tls(this.tls);
    if (identity === null) return null;
    if (this.#options === null || this.#builtFor !== this.#identity.version) {
      this.#builtFor = this.#identity.version;
      this.#options = {
        role: 'client',
        identity,
        alpn: this.tls.alpn,
        serverName: this.tls.serverName === '' ? null : this.tls.serverName,
        alpnOptional: this.#identity.alpnOptional,
        requirePeerCertificate: true,
        wantsKeyDigest: (this.tls.extras?.pins ?? null) !== null,
        verifyPeer: (peer) => this.#verify(peer),
      };
    }
    return this.#options;
  }

  #verify(peer: PeerCertificate): string | null {
    const reason =
      pinFault(peer, this.tls.extras?.pins ?? null) ?? this.#identity.check(peer, 'server', this.tls.peerIds);
    if (reason !== null) this.#refused(reason);
    return reason;
  }
}
