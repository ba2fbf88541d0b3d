/** What a host tells the cluster that it belongs to. */
import type { Timers } from '../../core/timer-wheel.ts';
import type { BalanceHost } from '../../snapshot/balance/balancer.ts';

export interface HostOwner {
  readonly timers: Timers;
  now(): number;
  /** Picks must be planned anew; who waits for a host that is out may go elsewhere. */
  healthChanged(host: WaitedFor): void;
}

/** A host for whose connections attempts wait. */
export interface WaitedFor extends BalanceHost {
  /** Sends them elsewhere. */
  evict(): void;
}
