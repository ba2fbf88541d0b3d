/**
 * The X.509 certificate and key of a workload, and where the current one comes from. The proxy reads the source for
 * each handshake, so that a renewal reaches new connections and leaves the open ones alone.
 */

export interface Svid {
  /** The SPIFFE id, as text. */
  readonly id: string;
  /** PEM, leaf first, the root left out. */
  readonly certificateChainPem: string;
  /** PKCS#8 PEM. Never logged, never sent. */
  readonly privateKeyPem: string;
  /** Milliseconds since the Unix epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface SvidSource {
  /** Null until the first one is there. An expired one is still returned: the reader checks `isValid` and fails closed. */
  current(): Svid | null;
  /** Called after `current()` has changed. The returned function ends the subscription. */
  subscribe(changed: () => void): () => void;
}

/** Whether the SVID may be used at this wall-clock time. */
export function isValid(svid: Svid, wallMs: number): boolean {
  return wallMs >= svid.notBefore && wallMs < svid.notAfter;
}

/** The middle of its life: when it should be renewed, before jitter. */
export function halfLife(svid: Svid): number {
  return svid.notBefore + (svid.notAfter - svid.notBefore) / 2;
}
