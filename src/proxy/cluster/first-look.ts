/**
 * Attempts that came before anything is known of a new cluster's hosts: its names are being looked up, or its hosts asked
 * whether they are well. They wait for that first look, bounded in number and time.
 */
import { Timer } from '../../core/timer-wheel.ts';
import type { Attempt } from './attempt.ts';
import type { PoolHost } from './pool/pool-host.ts';
import { WaitingLine } from './pool/waiting-line.ts';

export class FirstLook extends Timer {
  readonly #host: PoolHost;
  readonly #line: WaitingLine;

  constructor(host: PoolHost) {
    super();
    this.#host = host;
    this.#line = new WaitingLine(host, this);
  }

  get isEmpty(): boolean {
    return this.#line.length === 0;
  }

  join(attempt: Attempt): void {
    if (!this.#line.join(attempt) || this.armed) return;
    this.#host.dialer.timers.arm(this, this.#host.config.connectTimeoutMs);
  }

  cancel(attempt: Attempt): void {
    this.#line.leave(attempt);
  }

  /** Everybody may pick. */
  end(place: (attempt: Attempt) => void): void {
    this.#host.dialer.timers.disarm(this);
    for (let rest = this.#line.length; rest > 0; rest--) {
      const attempt = this.#line.next();
      if (attempt !== null) place(attempt);
    }
  }

  override fire(): void {
    for (let attempt = this.#line.next(); attempt !== null; attempt = this.#line.next()) {
      this.#host.refuse(attempt, 'UH', 'nothing is known yet of the hosts of this cluster');
    }
  }
}
