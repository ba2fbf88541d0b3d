/** Tries of one request that go on at once: whoever has the first good response wins, the others are abandoned. */
import { RESET, type ResetReason } from '../../http/message.ts';
import type { Try } from './try.ts';

export class Race {
  #tries: Try[];

  constructor(first: Try) {
    this.#tries = [first];
  }

  join(rival: Try): void {
    this.#tries.push(rival);
  }

  /** Takes a try that failed out of it. Returns one of those that go on, or null: it was the last. */
  leave(loser: Try): Try | null {
    this.#tries = this.#tries.filter((each) => each !== loser && each.live);
    return this.#tries[0] ?? null;
  }

  win(winner: Try): void {
    for (const each of this.#tries) if (each !== winner) each.abandon(RESET.cancelled);
  }

  abandon(reason: ResetReason): void {
    for (const each of this.#tries) each.abandon(reason);
  }
}
