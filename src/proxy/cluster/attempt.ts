/**
 * What a cluster needs to know of one try, and what a try waits in. The router's and the relay's classes implement
 * Attempt; it stands here so that clusters and pools know nothing of routes and filters.
 */
import type { ResponseFlag } from '../../http/flags.ts';
import type { Head } from '../../http/head.ts';
import type { MessageReceiver, Stream } from '../../http/message.ts';
import type { BalanceHost } from '../../snapshot/balance/balancer.ts';

export interface Attempt extends MessageReceiver {
  /** Set by the cluster when a host is picked. */
  endpoint: UpstreamHost | null;
  /** Set by a pool while the attempt waits in it. */
  waitsIn: Pool | null;
  /** Written by the cluster: true from the moment a request slot is taken until `done`. */
  holdsSlot: boolean;
  /** Written by the cluster: this try took a place in the retry limit. */
  holdsRetry: boolean;
  /** Raw bytes both ways (TCP, CONNECT) instead of an HTTP request. */
  readonly tunnel: boolean;
  /** A kept-alive connection died under an earlier try: use a new one. */
  readonly fresh: boolean;
  /** Hosts of earlier tries. */
  readonly avoid: readonly BalanceHost[];
  /** Of the request, an unsigned 32-bit number, for consistent hashing; -1: it has none. */
  readonly hash: number;
  /** Host and port that the request is for; only dynamic-forward clusters read it. */
  authority(): string;
  /** Exactly one of the two, perhaps before `acquire` returns. */
  onStream(stream: Stream): void;
  /** The slot is given back already. `detail` names the limit or the cause. */
  onRefused(flag: ResponseFlag, detail: string): void;
}

/** The endpoint that serves a try, as far as its user may look. */
export interface UpstreamHost extends BalanceHost {
  active: number;
  failures: number;
  readonly key: string;
  /** Reached by mTLS. */
  readonly secure: boolean;
  /** Sees the first response: servers say how long they keep an idle connection. */
  noteResponse(head: Head): void;
}

/** A pool hands out streams, never connections: HTTP/1.1, tunnels and a multiplexed hop look alike above it. */
export interface Pool {
  /** Ends in `onStream` or `onRefused` of the attempt, perhaps at once. */
  open(attempt: Attempt): void;
  /** Takes a waiting attempt out; neither callback follows. */
  cancel(attempt: Attempt): void;
  /** What is open serves out what it carries and is not used again; new streams get new connections. */
  retire(): void;
  readonly sizes: PoolSizes;
}

export interface PoolSizes {
  readonly idle: number;
  readonly busy: number;
  readonly connecting: number;
  readonly pending: number;
}

/** How an attempt that had a stream ended, for the statistics of its endpoint. */
export const OUTCOME = { ok: 0, failed: 1, cancelled: 2 } as const;
export type Outcome = (typeof OUTCOME)[keyof typeof OUTCOME];
