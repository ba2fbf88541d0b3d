/** What a pool needs of the cluster that it belongs to. */
import type { ResponseFlag } from '../../../http/flags.ts';
import type { ClusterConfig } from '../../../snapshot/snapshot.ts';
import type { Attempt } from '../attempt.ts';
import type { Circuit } from '../circuit.ts';
import type { Dialer } from '../dial.ts';

export interface PoolHost {
  readonly config: ClusterConfig;
  readonly circuit: Circuit;
  readonly dialer: Dialer;
  /** Gives the attempt's slot back, then tells it. */
  refuse(attempt: Attempt, flag: ResponseFlag, detail: string): void;
  /** Picks a host anew for an attempt that waited in vain and waits no more; after a few times it is refused. */
  repick(attempt: Attempt, detail: string): void;
  /** A connection for raw bytes is there, which is all that can be said of how such a host answers. */
  connected(attempt: Attempt): void;
  /** The flag and the words of a dial that failed: an identity that expired is not the endpoint's fault. */
  dialFailure(endpoint: string, reason: string): { readonly flag: ResponseFlag; readonly detail: string };
}
