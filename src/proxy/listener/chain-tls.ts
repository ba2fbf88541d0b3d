/**
 * TLS that ends at a filter chain: our SVID, the roots that a client must come from, and who it may be. The options are
 * rebuilt when our identity changes; a handshake that is under way keeps the ones it began with.
 */
import type { TlsOptions } from '../../core/runtime.ts';
import type { DownstreamTls } from '../../snapshot/snapshot.ts';
import type { MeshIdentity } from '../cluster/mesh-identity.ts';
import { checkPeer } from '../cluster/peer-ids.ts';

interface Built {
  readonly version: number;
  readonly options: TlsOptions;
}

export class ChainTls {
  readonly #identity: MeshIdentity;
  readonly #built = new WeakMap<DownstreamTls, Built>();

  constructor(identity: MeshIdentity) {
    this.#identity = identity;
  }

  /** Null without a valid identity: the connection is refused then. */
  options(tls: DownstreamTls): TlsOptions | null {
    const identity = this.#identity.tls(tls.certificate, tls.validation);
    if (identity === null) return null;
    const known = this.#built.get(tls);
    if (known?.version === this.#identity.version) return known.options;
    const options: TlsOptions = {
      role: 'server',
      identity,
      alpn: tls.alpn,
      serverName: null,
      requirePeerCertificate: tls.requireClientCertificate,
      verifyPeer: (peer) =>
        checkPeer(
          peer,
          'client',
          this.#identity.trustDomain,
          tls.peerIds.length === 0 ? null : tls.peerIds,
          this.#identity.wall(),
        ),
    };
    this.#built.set(tls, { version: this.#identity.version, options });
    return options;
  }
}
