/** A request that a fault holds back, until its time is over or it ends before. */
import { Timer } from '../../core/timer-wheel.ts';
import type { Exchange } from '../../http/exchange.ts';

export interface Holder {
  goOn(exchange: Exchange): void;
}

export class HeldBack extends Timer {
  readonly owner: Holder;
  readonly #exchange: Exchange;

  constructor(owner: Holder, exchange: Exchange) {
    super();
    this.owner = owner;
    this.#exchange = exchange;
  }

  override fire(): void {
    this.owner.goOn(this.#exchange);
  }
}
