/** A timer that an exchange arms only when it needs it: the request timeout, the pause before a retry. */
import { Timer } from '../../core/timer-wheel.ts';

export interface ExchangeTimerOwner {
  onExchangeTimer(timer: ExchangeTimer): void;
}

export class ExchangeTimer extends Timer {
  readonly #owner: ExchangeTimerOwner;

  constructor(owner: ExchangeTimerOwner) {
    super();
    this.#owner = owner;
  }

  override fire(): void {
    this.#owner.onExchangeTimer(this);
  }
}
