/**
 * What a cluster needs to know of one try, and what a try waits in. The router's and the relay's classes implement
 * Attempt; it stands here so that clusters and pools know nothing of routes and filters.
 */
import type { Address } from '../../core/runtime.ts';
import type { ResponseFlag } from '../../http/flags.ts';
import type { Head } from '../../http/head.ts';
import type { MessageReceiver, Stream } from '../../http/message.ts';
import type { BalanceHost } from '../../snapshot/balance/balancer.ts';
import type { SubsetMatch } from '../../snapshot/subset-match.ts';

export interface Attempt extends MessageReceiver {
  /** Set by the cluster when a host is picked. */
  endpoint: UpstreamHost | null;
  /** Set by whoever lets the attempt wait. */
  waitsIn: WaitingPlace | null;
  /** Written by the cluster: how often it was sent to another host while it waited for a connection. */
  moves: number;
  /** Written by the cluster: `Clock.now()` of the pick where the balancer learns from latencies, else 0. */
  pickedAt: number;
  /** Written by the cluster: a response head, or a connection for raw bytes, has come. */
  answered: boolean;
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
  /** Priorities of earlier tries, where the retry policy leaves them. */
  readonly leaves: readonly number[];
  /** Of the request, an unsigned 32-bit number, for consistent hashing; -1: it has none. */
  readonly hash: number;
  /** Which hosts will do; null: all. Only clusters with subsets read it. */
  readonly subset: SubsetMatch | null;
  /** Host and port that the request is for; only dynamic-forward clusters read it. */
  authority(): string;
  /** Where the downstream connection was meant to go; only original-dst clusters and those that announce it read it. */
  destination(): Address;
  /** Where it is from; only clusters that announce it read it. */
  source(): Address;
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
  /** As `Endpoint.hostname`. */
  readonly hostname: string;
  /** Reached by mTLS. */
  readonly secure: boolean;
  /** Sees every final response head: outlier detection counts it, and servers say how long they keep an idle connection. */
  noteResponse(head: Head): void;
  /** The status of a gRPC call, wherever it stood; -1: the response ended without one. */
  noteGrpcStatus(status: number): void;
}

/** Where an attempt waits for a stream. */
export interface WaitingPlace {
  /** Takes a waiting attempt out; neither callback follows. */
  cancel(attempt: Attempt): void;
}

/** A pool hands out streams, never connections: HTTP/1.1, tunnels and a multiplexed hop look alike above it. */
export interface Pool extends WaitingPlace {
  /** Ends in `onStream` or `onRefused` of the attempt, perhaps at once. */
  open(attempt: Attempt): void;
  /** Whoever waits is sent to another host (`PoolHost.repick`): this one has left, or is out. What is open is kept. */
  evict(): void;
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
