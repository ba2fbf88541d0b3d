/** What an exchange remembers once a try of it has failed; made then, because most never need it. */
import { CallbackTimer, type Timers } from '../../core/timer-wheel.ts';
import { RESET, type ResetReason } from '../../http/message.ts';
import type { UpstreamHost } from '../cluster/attempt.ts';

export const NO_HOSTS: readonly UpstreamHost[] = [];

export class Retries {
  /** Hosts of the tries that failed, which the next one avoids. */
  tried = NO_HOSTS;
  /** The last try met a dead kept-alive connection: the next one needs a new one, and blames no host. */
  fresh = false;
  readonly #timers: Timers;
  readonly #pause: CallbackTimer;

  constructor(timers: Timers, again: () => void) {
    this.#timers = timers;
    this.#pause = new CallbackTimer(again);
  }

  failed(host: UpstreamHost | null, reset: ResetReason | null): void {
    this.fresh = reset === RESET.stale;
    if (host !== null && !this.fresh) this.tried = [...this.tried, host];
  }

  /** The try after that pause. */
  schedule(afterMs: number): void {
    this.#timers.arm(this.#pause, afterMs);
  }

  stop(): void {
    this.#timers.disarm(this.#pause);
  }
}
