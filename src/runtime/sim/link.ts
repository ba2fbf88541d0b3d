/** What lies between two hosts: how long bytes take, and what can go wrong with them. */

export interface LinkOptions {
  /** One way. Default 0.5 ms. */
  readonly latencyMs?: number;
  /** Up to this much more, evenly distributed. Default: as much as the latency. */
  readonly jitterMs?: number;
  /** Share of segments that are lost and sent again after `retransmitMs`; order is kept, as TCP keeps it. Default 0. */
  readonly lossRate?: number;
  /** Default 200 ms, as Linux. */
  readonly retransmitMs?: number;
  /** Share of segments at which the connection is reset instead. Default 0. */
  readonly resetRate?: number;
}

export type Link = Required<LinkOptions>;

export const DEFAULT_LINK: Link = { latencyMs: 0.5, jitterMs: 0.5, lossRate: 0, retransmitMs: 200, resetRate: 0 };

/** Retries of a segment that does not arrive: doubling, at most this long, so often; about 15 minutes, as Linux. */
export const MAX_RETRANSMIT_MS = 120_000;
export const MAX_RETRANSMITS = 15;
/** How long a connection attempt to a silent host takes to fail: six SYNs of Linux. */
export const CONNECT_TIMEOUT_MS = 127_000;
