/**
 * Which registered workloads are alive. A lease lives in memory, so a heartbeat is never a commit; what a lease's end
 * or a change of readiness means for endpoints is committed once, when it happens.
 */
import type { Clock } from '../../core/runtime.ts';
import { CallbackTimer, type Timers } from '../../core/timer-wheel.ts';

export interface LeaseKey {
  readonly namespace: string;
  readonly workload: string;
}

interface Lease extends LeaseKey {
  expiresAt: number;
  /** Set once the holder is gone: the record is deleted at this time. */
  forgetAt: number | null;
}

/** After a restart of the control plane, every stored workload has this long to renew. */
const GRACE_MS = 30_000;
/** A workload that never came back is forgotten after this. */
const FORGET_MS = 600_000;
const CHECK_MS = 1_000;

export interface LeaseEvents {
  /** The holder stopped renewing: it leaves the endpoints. */
  onExpired(key: LeaseKey): void;
  /** Gone for ten minutes: its record goes too. */
  onForgotten(key: LeaseKey): void;
}

export class Leases {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #events: LeaseEvents;
  readonly #leases = new Map<string, Lease>();
  readonly #timer = new CallbackTimer(() => this.#check());

  constructor(clock: Clock, timers: Timers, events: LeaseEvents) {
    this.#clock = clock;
    this.#timers = timers;
    this.#events = events;
    timers.arm(this.#timer, CHECK_MS);
  }

  /** A stored workload was seen: it has the grace lease, unless it holds one. */
  expect(key: LeaseKey): void {
    const id = leaseId(key);
    if (!this.#leases.has(id))
      this.#leases.set(id, { ...key, expiresAt: this.#clock.now() + GRACE_MS, forgetAt: null });
  }

  renew(key: LeaseKey, leaseMs: number): void {
    this.#leases.set(leaseId(key), { ...key, expiresAt: this.#clock.now() + leaseMs, forgetAt: null });
  }

  drop(key: LeaseKey): void {
    this.#leases.delete(leaseId(key));
  }

  /** Of all others nothing is stored any more. */
  keepOnly(stored: readonly LeaseKey[]): void {
    const ids = new Set(stored.map(leaseId));
    for (const id of this.#leases.keys()) if (!ids.has(id)) this.#leases.delete(id);
  }

  /** Milliseconds until the lease ends; null when there is none or it has ended. */
  remainingMs(key: LeaseKey): number | null {
    const lease = this.#leases.get(leaseId(key));
    return lease === undefined || lease.forgetAt !== null ? null : Math.max(0, lease.expiresAt - this.#clock.now());
  }

  close(): void {
    this.#timers.disarm(this.#timer);
  }

  #check(): void {
    const now = this.#clock.now();
    for (const [id, lease] of this.#leases) {
      if (lease.forgetAt === null && now >= lease.expiresAt) {
        lease.forgetAt = now + FORGET_MS;
        this.#events.onExpired(lease);
      } else if (lease.forgetAt !== null && now >= lease.forgetAt) {
        this.#leases.delete(id);
        this.#events.onForgotten(lease);
      }
    }
    this.#timers.arm(this.#timer, CHECK_MS);
  }
}

function leaseId(key: LeaseKey): string {
  return `${key.namespace}/${key.workload}`;
}
