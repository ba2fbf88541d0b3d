/** What a host tells the cluster that it belongs to. */
import type { SocketOptions } from '../../core/runtime.ts';
import type { Timers } from '../../core/timer-wheel.ts';
import type { BalanceHost } from '../../snapshot/balance/balancer.ts';

export interface HostOwner {
  readonly timers: Timers;
  /** How connections to its hosts are made; null: as the system makes them. */
  readonly socket: SocketOptions | null;
  /** As `DialTarget.announces`. */
  readonly announces: 0 | 1 | 2;
  now(): number;
  /** Picks must be planned anew; who waits for a host that is out may go elsewhere. */
  healthChanged(host: WaitedFor): void;
}

/** A host for whose connections attempts wait. */
export interface WaitedFor extends BalanceHost {
  /** Sends them elsewhere. */
  evict(): void;
}
