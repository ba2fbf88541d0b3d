/**
 * TLS that ends at a filter chain: our SVID, the roots that a client must come from, and who it may be. The options are
 * rebuilt when our identity changes; a handshake that is under way keeps the ones it began with.
 */
import type { TlsOptions } from '../../core/runtime.ts';
import type { DownstreamTls } from '../../snapshot/snapshot.ts';
import type { Identity } from '../cluster/identity.ts';
import { pinFault } from '../cluster/peer-pins.ts';

interface Built {
  readonly version: number;
  readonly options: TlsOptions;
}

export class ChainTls {
  readonly #identity: Identity;
  readonly #built = new WeakMap<DownstreamTls, Built>();

  constructor(identity: Identity) {
    this.#identity = identity;
  }

  /** Null without a valid identity: the connection is refused then. `serverName`: what the client asks for; empty: nothing. */
  options(tls: DownstreamTls, serverName: string): TlsOptions | null {
    const identity = this.#identity.tls(tls, serverName);
    if (identity === null) return null;
    const known = this.#built.get(tls);
    if (known?.version === this.#identity.version && known.options.identity === identity) return known.options;
    const options: TlsOptions = {
      role: 'server',
      identity,
      alpn: tls.alpn,
      serverName: null,
      alpnOptional: this.#identity.alpnOptional,
      requirePeerCertificate: tls.requireClientCertificate,
      wantsKeyDigest: (tls.extras?.pins ?? null) !== null,
      verifyPeer: (peer) =>
        pinFault(peer, tls.extras?.pins ?? null) ??
        this.#identity.check(peer, 'client', tls.peerIds.length === 0 ? null : tls.peerIds),
    };
    this.#built.set(tls, { version: this.#identity.version, options });
    return options;
  }
}
