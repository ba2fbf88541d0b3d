/** How the names of a cluster's hosts are looked up, in a cluster of hosts by name. */

export interface DnsConfig {
  /** Between two look-ups; default 5 s. */
  readonly refreshMs: number;
  /** After one that failed; null: as after any other. */
  readonly failure: DnsBackOff | null;
  /** Which of a name's addresses are hosts. `auto`: those of the family that the system's resolver prefers. */
  readonly family: 'auto' | 'v4' | 'v6' | 'v4-preferred' | 'all';
}

/** Exponential, with jitter. */
export interface DnsBackOff {
  readonly baseIntervalMs: number;
  readonly maxIntervalMs: number;
}
