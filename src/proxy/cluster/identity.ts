/**
 * What handshakes present and accept. A sidecar has one identity, the mesh's (`mesh-identity.ts`); a proxy under a
 * bootstrap file has what its resources say (`configured-identity.ts`). Both fail closed.
 */
import type { PeerCertificate, TlsIdentity } from '../../core/runtime.ts';
import type { Svid } from '../../identity/svid.ts';
import type { PeerIdMatch, Secret, TlsSettings } from '../../snapshot/snapshot.ts';

export interface Identity {
  /** Null: this proxy has none of its own. */
  readonly svid: Svid | null;
  /** False: nothing that needs TLS may be used now. */
  readonly valid: boolean;
  /** Why handshakes are refused, in words for a log or a response. */
  readonly fault: string;
  /** Changes whenever what handshakes present or accept has changed. */
  readonly version: number;
  /** Names of the secrets that the control plane has sent. */
  readonly bundleNames: readonly string[];
  /** A client that offers no ALPN is let in where one is set. */
  readonly alpnOptional: boolean;
  /** Why a connection over TLS may not be used now; empty: it may. `peer`: who is at its other end. */
  faultWith(peer: PeerCertificate | null): string;
  /** Reads what does not come over xDS again. Open connections are left alone. */
  refresh(): void;
  setSecrets(secrets: ReadonlyMap<string, Secret>): void;
  /**
   * Null when there is nothing valid to present, or nothing to check the peer against. The same object for the same answer.
   * `serverName`: what a client asks a server for, which may have more certificates than one; default: none.
   */
  tls(settings: TlsSettings, serverName?: string): TlsIdentity | null;
  /** Null accepts the verified peer; a text is the reason of the refusal. `accepted` null: the settings name nobody. */
  check(peer: PeerCertificate, role: 'client' | 'server', accepted: readonly PeerIdMatch[] | null): string | null;
  /** What is presented and accepted, for those who look: certificates, no keys. */
  shown(): readonly { readonly certificateChainPem: string; readonly trustBundlePem: string }[];
}
