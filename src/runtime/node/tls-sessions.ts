/**
 * What lets a client resume a TLS session: a ticket of the server's, and who was met when it was given. A resumed
 * handshake shows no certificate, but only who holds the key of the ticket can finish it; so the peer is the one of
 * then, and whether it is still let in is decided anew.
 */
import type { Address, PeerCertificate, TlsIdentity, TlsOptions } from '../../core/runtime.ts';

/** Destinations of one identity; the one that was heard of longest ago goes first. Each is about two KiB. */
const MAX_SESSIONS = 256;

export interface KeptSession {
  /** Opaque; holds the secret that resumes. */
  readonly ticket: Buffer;
  readonly peer: PeerCertificate;
}

/** With an identity go its sessions: a renewed SVID or another trust bundle begins with full handshakes. */
const sessions = new WeakMap<TlsIdentity, Map<string, KeptSession>>();

export function sessionKey(to: Address, tls: TlsOptions): string {
  return `${to.host} ${to.port} ${tls.serverName ?? ''} ${tls.alpn.join()}`;
}

/** Null: none, or the peer's certificate has expired. A ticket may be offered often: who watches knows both ends anyway. */
export function sessionFor(identity: TlsIdentity, key: string, nowMs: number): KeptSession | null {
  const kept = sessions.get(identity);
  const session = kept?.get(key);
  if (session === undefined) return null;
  if (session.peer.notAfter > nowMs) return session;
  kept?.delete(key);
  return null;
}

export function keepSession(identity: TlsIdentity, key: string, session: KeptSession): void {
  let kept = sessions.get(identity);
  if (kept === undefined) {
    kept = new Map();
    sessions.set(identity, kept);
  }
  kept.delete(key);
  kept.set(key, session);
  if (kept.size <= MAX_SESSIONS) return;
  for (const oldest of kept.keys()) {
    kept.delete(oldest);
    return;
  }
}
